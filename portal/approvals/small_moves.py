"""What moved below a limit in the last 24 hours: a sum cut in pieces counts as one against the limit (decision 0185).

One piece for the limits of decisions (`approvals/limits.py`) and for those of stores' payouts
(`treasury/sent_alone.py`). A caller locks the limit, asks for the `whole`, and notes what goes on below it, all in one
transaction.
"""
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, any_, delete, func, literal, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.approvals.models import SmallMove
from portal.core import clock

Because = Literal["person", "subject", "decider"]
COUNTED_FOR = timedelta(hours=24)
FORGET_MAX = 5_000


@dataclass(frozen=True)
class Piece:
    """What somebody wants moved now: minor units of `currency` by subject. `decided_by`: who would agree to it."""

    scope: str
    currency: str
    reference: str
    asked_by: UUID | None
    amounts: Mapping[str, int]
    decided_by: UUID | None = None

    @property
    def minor(self) -> int:
        return sum(self.amounts.values())


@dataclass(frozen=True)
class Whole:
    """What counts against a limit, in minor units: the amount in hand and what went `before` by the same person, about
    the same subject or by the same decider, whichever comes to most. `because` says which; None: nothing went before.
    """

    amount_minor: int
    before_minor: int = 0
    because: Because | None = None

    @property
    def total_minor(self) -> int:
        return self.amount_minor + self.before_minor


def lock(session: Session, scope: str, currency: str) -> None:
    """Two pieces at once are judged one after the other, the second with the first, until the transaction ends."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
                    {"name": f"small_moves/{scope}/{currency}"})


def whole(session: Session, piece: Piece, *, others_max: int) -> Whole:
    """What `piece` is a part of, of moves to which at most `others_max` besides who asked agreed."""
    return Tally(session, [piece]).whole(piece, others_max=others_max)


class Tally:
    """What counts against one limit, of several pieces that have not gone yet: three queries at most, however many.

    Who foresees several going one after the other adds each that goes: it counts for those after it.
    """

    def __init__(self, session: Session, pieces: Sequence[Piece]) -> None:
        self._sums = Counter[tuple[str, Any, int]]()  # by (column, its value, how many others agreed), in minor units
        if not pieces:
            return
        counted = [SmallMove.scope == pieces[0].scope, SmallMove.currency == pieces[0].currency,
                   SmallMove.reference.not_in([piece.reference for piece in pieces]),
                   SmallMove.moved_at > clock.now() - COUNTED_FOR]
        wanted: list[tuple[str, Any, set[Any], Any]] = [
            ("person", SmallMove.asked_by, {one.asked_by for one in pieces if one.asked_by}, Uuid),
            ("decider", SmallMove.decided_by, {one.decided_by for one in pieces if one.decided_by}, Uuid),
            ("subject", SmallMove.subject, {subject for one in pieces for subject in one.amounts}, Text)]
        for name, column, values, type_ in wanted:
            if values:
                self._sums.update({(name, value, others): int(minor) for value, others, minor in session.execute(
                    select(column, SmallMove.others, func.sum(SmallMove.amount_minor)).where(
                        *counted, column == any_(literal(list(values), ARRAY(type_))))
                    .group_by(column, SmallMove.others))})

    def add(self, piece: Piece, *, others: int) -> None:
        """It would go on, on the word of so many others."""
        self._sums["person", piece.asked_by, others] += piece.minor
        self._sums["decider", piece.decided_by, others] += piece.minor
        for subject, minor in piece.amounts.items():
            self._sums["subject", subject, others] += minor

    def whole(self, piece: Piece, *, others_max: int) -> Whole:
        def before(name: Because, value: object) -> int:
            return sum(self._sums[name, value, others] for others in range(others_max + 1))

        sums = [Whole(piece.minor)]
        if piece.asked_by is not None:
            sums.append(Whole(piece.minor, before("person", piece.asked_by), "person"))
        sums += [Whole(minor, before("subject", subject), "subject") for subject, minor in piece.amounts.items()]
        if piece.decided_by is not None:
            sums.append(Whole(piece.minor, before("decider", piece.decided_by), "decider"))
        most = max(sums, key=lambda one: one.total_minor)
        return most if most.before_minor else sums[0]


def note(session: Session, piece: Piece, *, others: int) -> None:
    """It goes on, on the word of so many others. Harmless twice."""
    assert piece.amounts, "something moves"
    now = clock.now()
    session.execute(insert(SmallMove).on_conflict_do_nothing(), [
        {"scope": piece.scope, "reference": piece.reference, "subject": subject, "asked_by": piece.asked_by,
         "decided_by": piece.decided_by, "currency": piece.currency, "amount_minor": minor, "others": others,
         "moved_at": now}
        for subject, minor in piece.amounts.items()])


def undo(session: Session, scope: str, reference: str) -> None:
    """Nothing of it was done: it counts no more."""
    session.execute(delete(SmallMove).where(SmallMove.scope == scope, SmallMove.reference == reference))


def forget(session: Session, _jobs: object = None) -> None:
    """What counts no more. A bounded number at a time."""
    key = tuple_(SmallMove.scope, SmallMove.reference, SmallMove.subject)
    old = select(SmallMove.scope, SmallMove.reference, SmallMove.subject).where(
        SmallMove.moved_at <= clock.now() - COUNTED_FOR).order_by(SmallMove.moved_at).limit(FORGET_MAX)
    session.execute(delete(SmallMove).where(key.in_(old)))
