"""How much may be open, and how much in dispute, with one trader, at one bank, of one store.

A trader and a store are capped in their settlement currency, a bank in each currency of its requisites. What is open
with a trader is counted under his lock; what is open at a bank or of a store is added up by an index, under the lock of
the cap (`migrations/sql/matching.sql.in`). What is in dispute are the orders of disputes that run.

Tighter caps hold at once, wider ones wait for a second person. No cap is the widest.
"""
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from pydantic import Field
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal import approvals, reference
from portal.approvals import Approval, StaleApproval
from portal.core import audit, crypto, ids, typed_amounts
from portal.core.access import Actor, Permission
from portal.core.commands import Command
from portal.core.db import locked, locked_one
from portal.core.errors import Conflict, Denied, FieldError, Invalid, NotFound
from portal.core.money import BadAmount, Money
from portal.parties.models import Store, Trader
from portal.requisites.commands import Amount, Reason
from portal.requisites.models import BankCap

KIND, SHOWN_MAX = "exposure_caps", 200
NAMES = ("open_max_minor", "disputed_max_minor")
Capped = Trader | Store | BankCap


class CapsMoved(Conflict):
    """Somebody else changed these caps meanwhile. Look at them and change them again."""

    code = "caps_moved"


class SetCaps(Command):
    """`target`: a trader's or a store's public id, or `<bank>:<currency>`. Absent: no such cap. `seen`: what `seen`
    gave for those that the form showed."""

    scope: Literal["trader", "store", "bank"]
    target: str = Field(max_length=80)
    open_max: Amount | None = None
    disputed_max: Amount | None = None
    reason: Reason
    seen: str | None = None


@dataclass(frozen=True)
class Exposure:
    """Whose, with what is capped and how much of it is used now."""

    scope: str
    target: str  # as SetCaps takes it
    name: str
    open: Money
    open_max: Money | None
    disputed: Money
    disputed_max: Money | None

    @property
    def full(self) -> bool:
        """No order can be added."""
        return (self.open_max is not None and self.open.minor >= self.open_max.minor) or (
            self.disputed_max is not None and self.disputed.minor >= self.disputed_max.minor)


SUMS = {
    "trader": text("""SELECT t.open_minor, (SELECT coalesce(sum(o.settlement_minor), 0) FROM disputes d
                        JOIN orders o ON o.id = d.order_id
                       WHERE d.trader_id = t.id AND d.ended_at IS NULL AND d.live) FROM traders t WHERE t.id = :id"""),
    "store": text("""SELECT (SELECT coalesce(sum(p.settlement_minor), 0) FROM open_places p WHERE p.store_id = s.id),
                            (SELECT coalesce(sum(o.settlement_minor), 0) FROM disputes d
                               JOIN orders o ON o.id = d.order_id
                              WHERE d.store_id = s.id AND d.ended_at IS NULL AND d.live)
                       FROM stores s WHERE s.id = :id"""),
    "bank": text("""SELECT (SELECT coalesce(sum(p.to_pay_minor), 0) FROM open_places p
                             WHERE p.bank = :bank AND p.currency = :currency),
                           (SELECT coalesce(sum(o.amount_to_pay_minor), 0) FROM disputes d
                              JOIN orders o ON o.id = d.order_id JOIN requisites r ON r.id = d.requisite_id
                             WHERE d.ended_at IS NULL AND d.live AND r.bank = :bank AND r.currency = :currency)"""),
}


def set_caps(session: Session, actor: Actor, command: SetCaps) -> Approval | None:
    """They hold for the next order; what is open goes on. Returns the approval that wider caps wait for.

    Raises Denied, NotFound, Invalid, CapsMoved, AlreadyAsked.
    """
    if not (actor.is_staff and actor.may(Permission.PARTY_MANAGE)):
        raise Denied()
    capped = _locked(session, command.scope, command.target)
    before, after = _of(capped), _wanted(command, _currency(capped))
    if command.seen is not None and command.seen != seen(capped):
        raise CapsMoved()
    if before == after:
        return None
    if _only_tighter(before, after):
        _set(session, actor, capped, after, command.reason)
        return None
    return approvals.ask_once(session, actor, kind=KIND, target_kind=_kind(capped), target_id=_id(capped),
                              before=before, after=after, reason=command.reason)


def approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees to wider caps. Raises StaleApproval where they were changed meanwhile."""
    scope = {"trader": "trader", "store": "store"}.get(approval.target_kind, "bank")
    target = approval.target_id if scope == "bank" else ids.public(
        "trd" if scope == "trader" else "str", UUID(approval.target_id))
    capped = _locked(session, scope, target)
    if _of(capped) != approval.before:
        raise StaleApproval()
    _set(session, actor, capped, dict(approval.after), approval.reason)


def seen(capped: Capped) -> str:
    """The caps as a form shows them, in a few characters."""
    return crypto.sha256(repr(_of(capped))).hex()[:16]


def find(session: Session, actor: Actor, scope: str, target: str) -> Capped:
    """Whose caps these are; a bank's that has none as one without. Raises NotFound, also for who is no staff."""
    if not (actor.is_system or (actor.is_staff and actor.may(Permission.REQUISITE_READ))):
        raise NotFound()
    return _find(session, scope, target)


def exposure(session: Session, capped: Capped) -> Exposure:
    """How it stands just now."""
    scope, currency = _scope(capped), _currency(capped)
    about: dict[str, Any] = ({"bank": capped.bank, "currency": capped.currency} if isinstance(capped, BankCap)
                             else {"id": capped.id})
    opened, disputed = session.execute(SUMS[scope], about).one()
    name = capped.bank if isinstance(capped, BankCap) else capped.name
    return Exposure(scope, _target(capped), name, Money(int(opened), currency), _money(capped.open_max_minor, currency),
                    Money(int(disputed), currency), _money(capped.disputed_max_minor, currency))


def capped_now(session: Session, actor: Actor) -> list[Exposure]:
    """Everything that has a cap: banks, then stores, then traders; a bounded number of each. Raises NotFound."""
    if not (actor.is_staff and actor.may(Permission.REQUISITE_READ)):
        raise NotFound()
    found: list[Capped] = []
    for model, order in ((BankCap, BankCap.bank), (Store, Store.name), (Trader, Trader.name)):
        found += session.scalars(select(model).where(  # type: ignore[arg-type]
            model.open_max_minor.is_not(None) | model.disputed_max_minor.is_not(None))
            .order_by(order).limit(SHOWN_MAX)).all()
    return [exposure(session, one) for one in found]


def record_of(capped: Capped) -> tuple[str, Any]:
    """What audit and approvals call it: kind and id."""
    return _kind(capped), _id(capped)


def _find(session: Session, scope: str, target: str) -> Capped:
    found: Capped | None = None
    if scope == "trader":
        found = session.get(Trader, ids.parse("trd", target), populate_existing=True)
    elif scope == "store":
        found = session.get(Store, ids.parse("str", target), populate_existing=True)
    elif scope == "bank":
        found = _bank(session, target)
    if found is None or (isinstance(found, Trader) and found.robot):
        raise NotFound()
    return found


def _bank(session: Session, target: str) -> BankCap:
    bank, _, currency = target.partition(":")
    known = reference.snapshot(session)
    if bank not in known.banks or currency not in known.currencies or known.currency(currency).kind != "fiat":
        raise NotFound()
    return session.get(BankCap, (bank, currency), populate_existing=True) or BankCap(bank=bank, currency=currency)


def _locked(session: Session, scope: str, target: str) -> Capped:
    """For a bank that has none yet a row is made: two who cap it at once are one after the other."""
    found = _find(session, scope, target)
    if isinstance(found, BankCap):
        session.execute(text("INSERT INTO bank_caps (bank, currency) VALUES (:bank, :currency) ON CONFLICT DO NOTHING"),
                        {"bank": found.bank, "currency": found.currency})
        rows = locked(session, select(BankCap).where(BankCap.bank == found.bank, BankCap.currency == found.currency))
        return rows[0]
    again: Trader | Store | None = (
        locked_one(session, select(Trader).where(Trader.id == found.id)) if isinstance(found, Trader)
        else locked_one(session, select(Store).where(Store.id == found.id)))
    assert again is not None
    return again


def _set(session: Session, actor: Actor, capped: Capped, after: dict[str, Any], reason: str) -> None:
    audit.record(session, actor, "caps.set", _kind(capped), _id(capped), before=_of(capped), after=after,
                 reason=reason)
    capped.open_max_minor, capped.disputed_max_minor = after["open_max_minor"], after["disputed_max_minor"]
    session.flush()
    if isinstance(capped, BankCap) and after["open_max_minor"] is None and after["disputed_max_minor"] is None:
        session.delete(capped)  # matching locks what has a row
        session.flush()


def _wanted(command: SetCaps, currency: str) -> dict[str, Any]:
    wrong: list[FieldError] = []
    minor: dict[str, int | None] = {}
    for name in ("open_max", "disputed_max"):
        typed = getattr(command, name)
        try:
            minor[f"{name}_minor"] = None if typed is None else typed_amounts.read(typed, currency).minor
        except BadAmount as error:
            wrong.append(typed_amounts.wrong(name, error))
    if wrong:
        raise Invalid(fields=wrong)
    return {"currency": currency, **minor}


def _only_tighter(before: dict[str, Any], after: dict[str, Any]) -> bool:
    return all(before[name] is None or (after[name] is not None and after[name] <= before[name]) for name in NAMES)


def _of(capped: Capped) -> dict[str, Any]:
    return {"currency": _currency(capped), **{name: getattr(capped, name) for name in NAMES}}


def _scope(capped: Capped) -> str:
    return {Trader: "trader", Store: "store", BankCap: "bank"}[type(capped)]


def _kind(capped: Capped) -> str:
    return "bank_cap" if isinstance(capped, BankCap) else _scope(capped)


def _id(capped: Capped) -> object:
    return _target(capped) if isinstance(capped, BankCap) else capped.id


def _target(capped: Capped) -> str:
    return f"{capped.bank}:{capped.currency}" if isinstance(capped, BankCap) else capped.public_id


def _currency(capped: Capped) -> str:
    return capped.currency if isinstance(capped, BankCap) else capped.settlement_currency


def _money(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money(minor, currency)


approvals.register(KIND, apply=approved, title="Wider caps of what is open or in dispute")
