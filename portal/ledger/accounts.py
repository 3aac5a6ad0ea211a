"""Accounts: how the rest of the desk names them, and the ids the database knows them by."""
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import text
from sqlalchemy.orm import Session

NIL = UUID(int=0)


@dataclass(frozen=True)
class Account:
    """The name of an account, not its row: whose, for what, in which currency, live or test."""

    owner_kind: str  # store, trader, platform, world
    owner_id: UUID | None
    purpose: str  # available, held, reserve, fees, suspense, external
    currency: str
    live: bool

    def __hash__(self) -> int:
        # accounts are looked up many times per posting: the owner alone tells nearly all of them apart
        return hash((self.owner_id.int if self.owner_id else 0, self.purpose))

    @property
    def key(self) -> tuple[str, UUID, str, str, bool]:
        return self.owner_kind, self.owner_id or NIL, self.purpose, self.currency, self.live


def store_available(store_id: UUID, currency: str, live: bool) -> Account:
    return Account("store", store_id, "available", currency, live)


def store_held(store_id: UUID, currency: str, live: bool) -> Account:
    return Account("store", store_id, "held", currency, live)


def store_reserve(store_id: UUID, currency: str, live: bool) -> Account:
    """What is kept back of a store's settled payins until its day comes."""
    return Account("store", store_id, "reserve", currency, live)


def trader_available(trader_id: UUID, currency: str, live: bool) -> Account:
    return Account("trader", trader_id, "available", currency, live)


def trader_held(trader_id: UUID, currency: str, live: bool) -> Account:
    return Account("trader", trader_id, "held", currency, live)


def FEES(currency: str, live: bool) -> Account:
    """What the desk earned."""
    return Account("platform", None, "fees", currency, live)


def SUSPENSE(currency: str, live: bool) -> Account:
    """What the desk cannot place yet."""
    return Account("platform", None, "suspense", currency, live)


def EXTERNAL(currency: str, live: bool) -> Account:
    """The world outside: where deposits come from and withdrawals go to."""
    return Account("world", None, "external", currency, live)


FIND = text("""
    SELECT a.owner_kind, a.owner_id, a.purpose, a.currency, a.live, a.id,
           -- ours to remember only when it was there before we wrote anything: our own may yet be rolled back
           coalesce(age(a.xmin) > age(pg_current_xact_id_if_assigned()::xid), true) AS lasting
      FROM unnest(CAST(:kinds AS text[]), CAST(:owners AS uuid[]), CAST(:purposes AS text[]),
                  CAST(:currencies AS text[]), CAST(:lives AS bool[])) AS w (kind, owner, purpose, currency, live)
      JOIN accounts a ON a.owner_kind = w.kind AND a.owner_id = w.owner AND a.purpose = w.purpose
                     AND a.currency = w.currency AND a.live = w.live""")
# In the order of the identity, so that two transactions that open the same accounts never wait in a circle.
OPEN = text("""
    INSERT INTO accounts (owner_kind, owner_id, purpose, currency, live)
    SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:owners AS uuid[]), CAST(:purposes AS text[]),
                         CAST(:currencies AS text[]), CAST(:lives AS bool[])) AS w
    ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT DO NOTHING""")

# Accounts are never updated, so an id is good for ever; kept per database, because tests have several.
_known: WeakKeyDictionary[Any, dict[Account, int]] = WeakKeyDictionary()


def ids_of(session: Session, accounts: Iterable[Account], *, opening: bool) -> dict[Account, int]:
    """The ids of these accounts, from memory where we have them. `opening`: open those that do not exist yet."""
    known = _known.setdefault(session.get_bind().engine, {})
    wanted = set(accounts)
    found = {account: known[account] for account in wanted if account in known}
    missing = wanted - found.keys()
    if not missing:
        return found
    found |= _find(session, missing, known)
    if opening and (missing := wanted - found.keys()):
        session.execute(OPEN, _columns(missing))
        found |= _find(session, missing, known)
        assert not wanted - found.keys()
    return found


def _find(session: Session, accounts: set[Account], known: dict[Account, int]) -> dict[Account, int]:
    by_key = {account.key: account for account in accounts}
    found = {}
    for *key, id, lasting in session.execute(FIND, _columns(accounts)):
        account = by_key[tuple(key)]
        found[account] = id
        if lasting:
            known[account] = id
    return found


def _columns(accounts: set[Account]) -> dict[str, list[Any]]:
    columns = zip(*sorted(account.key for account in accounts), strict=True)
    return dict(zip(("kinds", "owners", "purposes", "currencies", "lives"), map(list, columns), strict=True))
