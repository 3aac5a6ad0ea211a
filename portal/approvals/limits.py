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
from portal.approvals.small_moves import Piece, Tally, Whole
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
    if lock and (amount := approval.amount) is not None:
        small_moves.lock(session, kinds.counted_as(approval.kind), amount.currency)
    return InTurn(session, [approval], by).judged(approval)


def needing_two(session: Session, asked: Sequence[Approval], by: Actor) -> dict[UUID, Judged]:
    """Of these, those that wait and that two have to agree to, each by itself: for a page of them at once."""
    turn = InTurn(session, asked, by)
    return {one.id: found for one in asked if (found := turn.judged(one)) is not None and found.needs_two}


class InTurn:
    """Those of `asked` that wait and have a limit, were it `by` who decides them: read at once, three queries for each
    sum that limits count. `goes`: the one would be approved, and counts for those judged after it.
    """

    def __init__(self, session: Session, asked: Sequence[Approval], by: Actor) -> None:
        self._by = by
        amounts = {one.id: amount for one in asked if one.state == "pending" and (amount := one.amount) is not None}
        keys = {(one.kind, amounts[one.id].currency) for one in asked if one.id in amounts}
        found = {(one.kind, one.currency): one for one in session.scalars(
            select(ApprovalLimit).where(tuple_(ApprovalLimit.kind, ApprovalLimit.currency).in_(keys))
            .execution_options(populate_existing=True))} if keys else {}
        self._limited = {one.id: (found[one.kind, amounts[one.id].currency], amounts[one.id],
                                  _piece(session, one, amounts[one.id], by.id))
                         for one in asked if one.id in amounts and (one.kind, amounts[one.id].currency) in found}
        alike: dict[tuple[str, str], list[Piece]] = {}
        for *_, piece in self._limited.values():
            alike.setdefault((piece.scope, piece.currency), []).append(piece)
        self._tallies = {key: Tally(session, pieces) for key, pieces in alike.items()}

    def judged(self, approval: Approval) -> Judged | None:
        if approval.id not in self._limited:
            return None
        limit, amount, piece = self._limited[approval.id]
        tally = self._tallies[piece.scope, piece.currency]
        return Judged(limit, amount, tally.whole(piece, others_max=0), tally.whole(piece, others_max=1), piece)

    def goes(self, approval: Approval, found: Judged | None) -> None:
        if found is not None and approval.first_by is None:
            self._tallies[found.piece.scope, found.piece.currency].add(found.piece, others=_others(approval, self._by))


def note(session: Session, approval: Approval, by: Actor, found: Judged | None) -> None:
    """It is approved by who it was judged for: on the word of fewer than two others it counts from now on."""
    if found is not None and approval.first_by is None:
        small_moves.note(session, found.piece, others=_others(approval, by))


def _others(approval: Approval, by: Actor) -> int:
    return 0 if by.id == approval.asked_by else 1


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
