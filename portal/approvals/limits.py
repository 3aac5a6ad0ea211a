"""How much of a kind one person decides alone, and from where on two have to besides who asked. Zero unless set.

A limit counts a day's sum, not each amount: what the same person asked for, what was about the same store or trader, or
what the same decider agreed to (`small_moves`). A change of a limit is itself put before a second person, whatever the
limits say.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import StringConstraints
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from portal.approvals import kinds, small_moves
from portal.approvals.models import Approval, ApprovalLimit
from portal.approvals.small_moves import Piece, Whole
from portal.core import audit, typed_amounts
from portal.core.access import Actor, Permission
from portal.core.commands import Command
from portal.core.errors import Denied, FieldError, Invalid
from portal.core.money import EXPONENTS, Money

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


@dataclass(frozen=True)
class Judged:
    """An amount before its limit: `alone` is what counts against what one decides alone, `among_two` against what one
    other may agree to."""

    limit: ApprovalLimit
    amount: Money
    alone: Whole
    among_two: Whole
    piece: Piece

    @property
    def needs_two(self) -> bool:
        """Two have to agree besides who asked."""
        return self.limit.two_from_minor is not None and self.among_two.total_minor >= self.limit.two_from_minor

    @property
    def may_alone(self) -> bool:
        """Who asked may approve it himself."""
        return self.amount.minor > 0 and self.alone.total_minor <= self.limit.alone_max_minor and not self.needs_two

    @property
    def only_together(self) -> str | None:
        """By itself it is small enough to be decided alone, but not with what the same person moved before, or what was
        moved about the same subject."""
        small = 0 < self.amount.minor <= self.limit.alone_max_minor and not self.needs_two
        return self.alone.because if small and not self.may_alone else None

    @property
    def alone_before(self) -> Money:
        return Money(self.alone.before_minor, self.limit.currency)

    @property
    def two_before(self) -> Money:
        return Money(self.among_two.before_minor, self.limit.currency)


def judged(session: Session, approval: Approval, by: Actor, *, lock: bool = False) -> Judged | None:
    """By the limit of its kind and what went below it in the last 24 hours, were it `by` who decides; None: it has no
    limit.

    `lock`: it is decided in this transaction, and another piece of the same sum waits until that is done.
    """
    amount = approval.amount
    if amount is None:
        return None
    if lock:
        small_moves.lock(session, kinds.counted_as(approval.kind), amount.currency)
    found = session.get(ApprovalLimit, (approval.kind, amount.currency), populate_existing=True)
    if found is None:
        return None
    piece = _piece(session, approval, amount, by.id)
    return Judged(found, amount, small_moves.whole(session, piece, others_max=0),
                  small_moves.whole(session, piece, others_max=1), piece)


def needing_two(session: Session, asked: Sequence[Approval], by: Actor) -> dict[UUID, Judged]:
    """Of these, those that wait and that two have to agree to, as `judged`: for a page of them at once."""
    amounts = {one.id: amount for one in asked if one.state == "pending" and (amount := one.amount) is not None}
    keys = {(one.kind, amounts[one.id].currency) for one in asked if one.id in amounts}
    found = {(one.kind, one.currency): one for one in session.scalars(select(ApprovalLimit).where(
        tuple_(ApprovalLimit.kind, ApprovalLimit.currency).in_(keys), ApprovalLimit.two_from_minor.is_not(None)))
        } if keys else {}
    alike: dict[tuple[str, str], list[tuple[Approval, Piece]]] = {}
    for one in asked:
        if one.id in amounts and (one.kind, amounts[one.id].currency) in found:
            piece = _piece(session, one, amounts[one.id], by.id)
            alike.setdefault((piece.scope, piece.currency), []).append((one, piece))
    told = dict[UUID, Judged]()
    for these in alike.values():
        wholes = small_moves.wholes(session, [piece for _, piece in these], others_max=1)
        for (one, piece), among_two in zip(these, wholes, strict=True):
            of_one = Judged(found[one.kind, piece.currency], amounts[one.id], Whole(piece.minor), among_two, piece)
            told |= {one.id: of_one} if of_one.needs_two else {}
    return told


def note(session: Session, approval: Approval, found: Judged | None) -> None:
    """It was approved by who it was judged for: on the word of fewer than two others it counts from now on."""
    if found is not None and approval.first_by is None:
        small_moves.note(session, found.piece, others=0 if approval.decided_by == approval.asked_by else 1)


def _piece(session: Session, approval: Approval, amount: Money, decided_by: UUID | None) -> Piece:
    return Piece(scope=kinds.counted_as(approval.kind), currency=amount.currency, reference=approval.public_id,
                 asked_by=approval.asked_by, decided_by=decided_by,
                 amounts=kinds.shares_of(session, approval, abs(amount.minor)))


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


def _now(session: Session, kind: str, currency: str) -> dict[str, Any]:
    found = session.get(ApprovalLimit, (kind, currency), populate_existing=True)
    if found is None:
        return {}
    return {"decision_of": kind, "currency": currency, "alone_max_minor": found.alone_max_minor,
            "two_from_minor": found.two_from_minor}
