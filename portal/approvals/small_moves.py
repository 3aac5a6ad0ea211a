"""What moved below a limit in the last 24 hours: a sum cut in pieces counts as one against the limit (decision 0185).

One piece for the limits of decisions (`approvals/limits.py`) and for those of stores' payouts (`payouts/alone.py`). A
caller locks the limit, asks for the `whole`, and notes what goes on below it, all in one transaction.
"""
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Index, Text, any_, delete, func, literal, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core import clock
from portal.core.columns import Minor
from portal.core.db import Base

COUNTED_FOR = timedelta(hours=24)
FORGET_MAX = 5_000


class SmallMove(Base):
    """One piece: whose wish, what about, and how many `others` agreed to it. Kept while it counts.

    `scope`: the limit it counts against, a kind of approval or one store's payouts. `subject`: a store or trader, or
    the print of a recipient's number.
    """

    __tablename__ = "small_moves"
    __table_args__ = (
        Index("ix_small_moves_asked_by", "scope", "currency", "asked_by", "moved_at"),  # one person's sum
        Index("ix_small_moves_subject", "scope", "currency", "subject", "moved_at"),  # what one owner or recipient got
        Index("ix_small_moves_moved_at", "moved_at"),  # the sweep
        CheckConstraint("amount_minor >= 0", name="amount"),
        CheckConstraint("others IN (0, 1)", name="others"),
    )
    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    reference: Mapped[str] = mapped_column(Text, primary_key=True)  # of the approval, the import, the form
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    asked_by: Mapped[UUID | None]  # None: the system asked
    currency: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[Minor]
    others: Mapped[int]  # who agreed besides who asked
    moved_at: Mapped[datetime] = mapped_column(default=clock.now)


@dataclass(frozen=True)
class Piece:
    """What somebody wants moved now: minor units of `currency` by subject."""

    scope: str
    currency: str
    reference: str
    asked_by: UUID | None
    amounts: Mapping[str, int]


@dataclass(frozen=True)
class Whole:
    """What counts against a limit, in minor units: the amount in hand and what went `before` by the same person or
    about the same subject, whichever comes to more. `because` says which; None: nothing went before."""

    amount_minor: int
    before_minor: int = 0
    because: Literal["person", "subject"] | None = None

    @property
    def total_minor(self) -> int:
        return self.amount_minor + self.before_minor


def lock(session: Session, scope: str, currency: str) -> None:
    """Two pieces at once are judged one after the other, the second with the first, until the transaction ends."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
                    {"name": f"small_moves/{scope}/{currency}"})


def whole(session: Session, piece: Piece, *, others_max: int) -> Whole:
    """What `piece` is a part of, of moves to which at most `others_max` besides who asked agreed."""
    counted = [SmallMove.scope == piece.scope, SmallMove.currency == piece.currency,
               SmallMove.reference != piece.reference, SmallMove.others <= others_max,
               SmallMove.moved_at > clock.now() - COUNTED_FOR]
    sums = [Whole(sum(piece.amounts.values()))]
    if piece.asked_by is not None:
        by_person = session.scalar(select(func.coalesce(func.sum(SmallMove.amount_minor), 0)).where(
            *counted, SmallMove.asked_by == piece.asked_by))
        sums.append(Whole(sums[0].amount_minor, int(by_person or 0), "person"))
    about = session.execute(select(SmallMove.subject, func.sum(SmallMove.amount_minor)).where(
        *counted, SmallMove.subject == any_(literal(list(piece.amounts), ARRAY(Text)))).group_by(SmallMove.subject))
    sums += [Whole(piece.amounts[subject], int(minor), "subject") for subject, minor in about]
    most = max(sums, key=lambda one: one.total_minor)
    return most if most.before_minor else sums[0]


def note(session: Session, piece: Piece, *, others: int) -> None:
    """It goes on, on the word of so many others. Harmless twice."""
    assert piece.amounts, "something moves"
    now = clock.now()
    session.execute(insert(SmallMove).on_conflict_do_nothing(), [
        {"scope": piece.scope, "reference": piece.reference, "subject": subject, "asked_by": piece.asked_by,
         "currency": piece.currency, "amount_minor": minor, "others": others, "moved_at": now}
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
