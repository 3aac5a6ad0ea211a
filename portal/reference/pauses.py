"""The desk, or a part of it, takes no new orders for a while: since when, who, why, until when. Read with the other
reference data.

A part is a method, a bank, a direction or a store; a pause that begins later is a bank's announced maintenance, say.
"""
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core import clock, ids
from portal.core.columns import Id, LongText
from portal.core.db import Base
from portal.core.errors import Unavailable


class DeskPaused(Unavailable):
    """The desk takes no new orders just now. Open ones go on; try again at the time named in `until`."""

    code = "desk_paused"


class PartlyPaused(Unavailable):
    """New orders of this kind are not taken just now. Try again at the time named in `until`."""

    code = "partly_paused"


DESK = "desk"
PARTS_MAX = 400
PARTS = ("method", "bank", "direction", "store")


class DeskPause(Base):
    """One stop, of the whole desk or of a part. It begins and ends by itself, whether or not anybody writes `ended_at`.
    Rows are kept, but for those that recurring windows made (`windows.forget`)."""

    __tablename__ = "desk_pauses"
    __table_args__ = (
        Index("ix_desk_pauses_open", "ends_at", postgresql_where=text("ended_at IS NULL")),  # the present one
        Index("uq_desk_pauses_window", "window_id", "began_at", unique=True,
              postgresql_where=text("window_id IS NOT NULL")),
        Index("ix_desk_pauses_recurred", "ended_at", postgresql_where=text("window_id IS NOT NULL")),  # to be forgotten
        CheckConstraint("began_at < ends_at", name="range"),
        CheckConstraint("scope IN ('desk', 'method', 'bank', 'direction', 'store')", name="scope"),
        CheckConstraint("(scope = 'desk') = (target = '')", name="target"),
    )
    id: Mapped[Id]
    scope: Mapped[LongText] = mapped_column(default=DESK)
    target: Mapped[LongText] = mapped_column(default="")  # a code, payin or payout, a store's id
    target_name: Mapped[LongText] = mapped_column(default="")  # as people call it
    merchant_id: Mapped[UUID | None]  # of a store
    began_at: Mapped[datetime] = mapped_column(default=clock.now)
    began_by: Mapped[UUID | None]
    began_name: Mapped[LongText]
    reason: Mapped[LongText]  # for the staff
    message: Mapped[str | None] = mapped_column(Text)  # for merchants, traders and payers
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_name: Mapped[str | None] = mapped_column(Text)
    window_id: Mapped[UUID | None]  # of `windows.BankWindow`, whose time this is: planned once, whoever ends it


@dataclass(frozen=True)
class PauseFacts:
    """As every process remembers it."""

    id: UUID
    began_at: datetime
    ends_at: datetime
    by: str
    reason: str
    message: str | None
    scope: str = DESK
    target: str = ""
    name: str = ""
    merchant_id: UUID | None = None

    @property
    def holds(self) -> bool:
        return self.began_at <= clock.now() < self.ends_at

    @property
    def public_id(self) -> str:
        return ids.public("pau", self.id)

    def refusal(self) -> Unavailable:
        """What a create is answered: `until`, and `Retry-After` in seconds, rounded up."""
        said: dict[str, Any] = {"until": clock.rfc3339(self.ends_at)} | (
            {"notice": self.message} if self.message else {})
        error: Unavailable = DeskPaused(**said) if self.scope == DESK else PartlyPaused(part=self.scope, **said)
        error.retry_after_s = max(1, int((self.ends_at - clock.now()).total_seconds()) + 1)
        return error


def current(session: Session) -> PauseFacts | None:
    """The one that holds now, the newest of several."""
    row = session.execute(_open().where(DeskPause.scope == DESK, DeskPause.began_at <= clock.now())
                          .order_by(DeskPause.id.desc()).limit(1)).one_or_none()
    return None if row is None else PauseFacts(*row)


def of_parts(session: Session) -> tuple[PauseFacts, ...]:
    """Those of parts that hold now or are announced, the earliest first."""
    rows = session.execute(_open().where(DeskPause.scope != DESK).order_by(DeskPause.began_at, DeskPause.id)
                           .limit(PARTS_MAX))
    return tuple(PauseFacts(*row) for row in rows)


def _open() -> Any:
    return select(DeskPause.id, DeskPause.began_at, DeskPause.ends_at, DeskPause.began_name, DeskPause.reason,
                  DeskPause.message, DeskPause.scope, DeskPause.target, DeskPause.target_name, DeskPause.merchant_id
                  ).where(DeskPause.ended_at.is_(None), DeskPause.ends_at > clock.now())
