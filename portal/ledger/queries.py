"""Reading the books: balances and the postings behind an order. Whose account it is, the caller has checked."""
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session, aliased

from portal.core.money import Money
from portal.ledger.accounts import NIL, Account
from portal.ledger.entries import Line
from portal.ledger.models import AccountRow, BalanceRow, JournalEntry, Posting

LINES_MAX = 500
BALANCE = BalanceRow.credits_minor - BalanceRow.debits_minor


class Holdings(NamedTuple):
    """What an owner has in one currency: free to use, held for what is under way, and of a store kept back until its
    day comes."""

    available: Money
    held: Money
    reserved: Money

    @classmethod
    def of(cls, minor: Mapping[str, int], currency: str) -> "Holdings":
        """By purpose; zero where nothing was posted."""
        return cls(*(Money(minor.get(purpose, 0), currency) for purpose in ("available", "held", "reserve")))


class Total(NamedTuple):
    """All accounts of one sort together; over the sorts of a currency and mode the totals come to nothing."""

    currency: str
    live: bool
    owner_kind: str
    purpose: str
    accounts: int
    balance: Money


@dataclass(frozen=True)
class EntryLine:
    """One posting as staff read it."""

    id: int
    entry_id: int
    kind: str
    debit: str  # "trader held"
    credit: str
    amount: Money


def balance(session: Session, account: Account) -> Money:
    """Credit minus debit, as last committed; zero for an account that nothing was posted to yet."""
    kind, owner, purpose, currency, live = account.key
    found = session.scalar(
        select(BALANCE).join(AccountRow, AccountRow.id == BalanceRow.account_id)
        .where(AccountRow.owner_kind == kind, AccountRow.owner_id == owner, AccountRow.purpose == purpose,
               AccountRow.currency == currency, AccountRow.live.is_(live)))
    return Money(found or 0, currency)


HOLDINGS = (select(AccountRow.currency, AccountRow.purpose, BALANCE)
            .join(BalanceRow, AccountRow.id == BalanceRow.account_id).order_by(AccountRow.currency)
            .where(AccountRow.owner_kind == bindparam("kind"), AccountRow.owner_id == bindparam("owner"),
                   AccountRow.live == bindparam("live")))


def balances_of(session: Session, owner_kind: str, owner_id: UUID | None, live: bool) -> dict[str, Holdings]:
    """What a store or trader has, by currency; empty while nothing was ever posted."""
    rows = session.execute(HOLDINGS, {"kind": owner_kind, "owner": owner_id or NIL, "live": live})
    found: dict[str, dict[str, int]] = {}
    for currency, purpose, minor in rows:
        found.setdefault(currency, {})[purpose] = minor
    return {currency: Holdings.of(minor, currency) for currency, minor in found.items()}


def totals(session: Session) -> list[Total]:
    """The whole desk at a glance: every sort of account, by currency and mode."""
    sort = (AccountRow.currency, AccountRow.live, AccountRow.owner_kind, AccountRow.purpose)
    rows = session.execute(select(*sort, func.count(), func.sum(BALANCE))
                           .join(BalanceRow, AccountRow.id == BalanceRow.account_id).group_by(*sort).order_by(*sort))
    return [Total(currency, live, owner, purpose, count, Money(int(minor), currency))
            for currency, live, owner, purpose, count, minor in rows]


def lines_of(session: Session, references: Iterable[UUID]) -> Sequence[EntryLine]:
    """The postings of the entries about these orders, assignments or approvals, oldest first."""
    debit, credit = aliased(AccountRow), aliased(AccountRow)
    rows = session.execute(
        select(Posting.id, Posting.entry_id, JournalEntry.kind, debit.owner_kind + " " + debit.purpose,
               credit.owner_kind + " " + credit.purpose, Posting.amount_minor, Posting.currency)
        .join(JournalEntry, JournalEntry.id == Posting.entry_id).join(debit, debit.id == Posting.debit_id)
        .join(credit, credit.id == Posting.credit_id).where(JournalEntry.reference.in_(list(references)))
        .order_by(Posting.id).limit(LINES_MAX))
    return [EntryLine(id, entry_id, kind, source, target, Money(minor, currency))
            for id, entry_id, kind, source, target, minor, currency in rows]


class Recorded(NamedTuple):
    """An entry as it stands in the journal: its lines in order, and the entry that reversed it, if one did."""

    id: int
    kind: str
    reference: UUID
    lines: tuple[Line, ...]
    reversed_by: int | None
    posted_at: datetime


def recorded(session: Session, entry_id: int) -> Recorded | None:
    """Two queries; None for an entry that does not exist."""
    reversing = aliased(JournalEntry)
    found = session.execute(
        select(JournalEntry.kind, JournalEntry.reference, JournalEntry.posted_at, reversing.id.label("by"))
        .outerjoin(reversing, reversing.reverses_id == JournalEntry.id).where(JournalEntry.id == entry_id)).first()
    if found is None:
        return None
    debit, credit = aliased(AccountRow), aliased(AccountRow)
    rows = session.execute(
        select(Posting.amount_minor, debit, credit).join(debit, debit.id == Posting.debit_id)
        .join(credit, credit.id == Posting.credit_id).where(Posting.entry_id == entry_id).order_by(Posting.id))
    lines = tuple(Line(_named(source), _named(target), Money(minor, source.currency))
                  for minor, source, target in rows)
    return Recorded(entry_id, found.kind, found.reference, lines, found.by, found.posted_at)


def reversed_among(session: Session, kind: str, references: Iterable[UUID]) -> set[UUID]:
    """Whose entries of this kind another entry has reversed."""
    reversing = aliased(JournalEntry)
    return set(session.scalars(
        select(JournalEntry.reference).join(reversing, reversing.reverses_id == JournalEntry.id)
        .where(JournalEntry.kind == kind, JournalEntry.reference.in_(list(references)))))


def entry_of(session: Session, kind: str, reference: UUID) -> JournalEntry:
    """The one entry of this kind about it, which has been posted."""
    return session.scalars(select(JournalEntry).where(
        JournalEntry.kind == kind, JournalEntry.reference == reference)).one()


def _named(row: AccountRow) -> Account:
    return Account(row.owner_kind, None if row.owner_id == NIL else row.owner_id, row.purpose, row.currency, row.live)


def account_id(session: Session, account: Account) -> int | None:
    """The row behind a name; None while nothing was posted to it."""
    kind, owner, purpose, currency, live = account.key
    return session.scalar(
        select(AccountRow.id).where(AccountRow.owner_kind == kind, AccountRow.owner_id == owner,
                                    AccountRow.purpose == purpose, AccountRow.currency == currency,
                                    AccountRow.live.is_(live)))
