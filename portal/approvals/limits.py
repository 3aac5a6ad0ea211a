"""How much of a kind one person decides alone, and from where on two have to besides who asked. Zero unless set.

A change of a limit is itself put before a second person, whatever the limits say.
"""
from typing import Annotated, Any
from uuid import UUID

from pydantic import StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.approvals import kinds
from portal.approvals.models import Approval, ApprovalLimit
from portal.core import audit, typed_amounts
from portal.core.access import Actor, Permission
from portal.core.commands import Command
from portal.core.errors import Denied, FieldError, Invalid
from portal.core.money import EXPONENTS

KIND = "approval_limit"
DESK = UUID(int=0)


class AskLimit(Command):
    """Amounts of `currency` as people type them. `two_from` empty: one other person is enough for any amount."""

    kind: Annotated[str, StringConstraints(max_length=60)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{3,10}$")]
    alone_max: Annotated[str, StringConstraints(max_length=60)] = "0"
    two_from: Annotated[str, StringConstraints(max_length=60)] | None = None
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]


def all_limits(session: Session) -> list[ApprovalLimit]:
    return list(session.scalars(select(ApprovalLimit).order_by(ApprovalLimit.kind, ApprovalLimit.currency).limit(500)))


def alone_max(session: Session, approval: Approval) -> int | None:
    """The limit by which who asked may approve this himself, in minor units; None: he may not."""
    found, amount = _of(session, approval), approval.amount
    if found is None or amount is None or not 0 < amount.minor <= found.alone_max_minor:
        return None
    return found.alone_max_minor


def needs_two(session: Session, approval: Approval) -> bool:
    """Two have to agree besides who asked."""
    found, amount = _of(session, approval), approval.amount
    return (found is not None and amount is not None and found.two_from_minor is not None
            and abs(amount.minor) >= found.two_from_minor)


def checked(session: Session, actor: Actor, command: AskLimit) -> tuple[dict[str, Any], dict[str, Any]]:
    """Before and after, as an approval keeps them. Raises Denied, Invalid."""
    if not actor.may(Permission.APPROVAL_DECIDE):
        raise Denied()
    if not kinds.is_money(command.kind):
        raise Invalid(fields=[FieldError("/kind", "no_money", "There is no such choice.")])
    if command.currency not in EXPONENTS:
        raise Invalid(fields=[FieldError("/currency", "unknown_currency", "The desk does not know this currency.")])
    alone = typed_amounts.amount("alone_max", command.alone_max, command.currency)
    two = typed_amounts.amount("two_from", command.two_from, command.currency) if command.two_from else None
    if two is not None and two <= alone:
        raise Invalid(fields=[FieldError("/two_from", "range", "It begins above what one decides alone.")])
    return _now(session, command.kind, command.currency), {
        "decision_of": command.kind, "currency": command.currency, "alone_max_minor": alone.minor,
        "two_from_minor": two.minor if two is not None else None}


def stands(session: Session, approval: Approval) -> bool:
    """What it was asked for is as it was."""
    return _now(session, approval.after["decision_of"], approval.after["currency"]) == approval.before


def set_it(session: Session, actor: Actor, approval: Approval) -> None:
    after = approval.after
    found = session.get(ApprovalLimit, (after["decision_of"], after["currency"]))
    if found is None:
        found = ApprovalLimit(kind=after["decision_of"], currency=after["currency"])
        session.add(found)
    found.alone_max_minor, found.two_from_minor = after["alone_max_minor"], after["two_from_minor"]
    session.flush()
    audit.record(session, actor, "approval_limit.set", "desk", DESK, before=approval.before, after=after,
                 reason=approval.reason)


def _of(session: Session, approval: Approval) -> ApprovalLimit | None:
    amount = approval.amount
    return session.get(ApprovalLimit, (approval.kind, amount.currency), populate_existing=True) if amount else None


def _now(session: Session, kind: str, currency: str) -> dict[str, Any]:
    found = session.get(ApprovalLimit, (kind, currency), populate_existing=True)
    if found is None:
        return {}
    return {"decision_of": kind, "currency": currency, "alone_max_minor": found.alone_max_minor,
            "two_from_minor": found.two_from_minor}
