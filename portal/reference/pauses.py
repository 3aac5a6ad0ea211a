"""The desk takes no new orders for a while: since when, who, why, until when. Read with the other reference data."""
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core import clock
from portal.core.columns import Id, LongText
from portal.core.db import Base
from portal.core.errors import Unavailable


class DeskPaused(Unavailable):
    """The desk takes no new orders just now. Open ones go on; try again at the time named in `until`."""

    code = "desk_paused"


class DeskPause(Base):
    """One stop. It ends at `ends_at` by itself, whether or not anybody writes `ended_at`. Rows are kept."""

    __tablename__ = "desk_pauses"
    __table_args__ = (
        Index("ix_desk_pauses_open", "ends_at", postgresql_where=text("ended_at IS NULL")),  # the present one
        CheckConstraint("began_at < ends_at", name="range"),
    )
    id: Mapped[Id]
    began_at: Mapped[datetime] = mapped_column(default=clock.now)
    began_by: Mapped[UUID | None]
    began_name: Mapped[LongText]
    reason: Mapped[LongText]  # for the staff
    message: Mapped[str | None] = mapped_column(Text)  # for merchants, traders and payers
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_name: Mapped[str | None] = mapped_column(Text)


@dataclass(frozen=True)
class PauseFacts:
    """As every process remembers it."""

    id: UUID
    began_at: datetime
    ends_at: datetime
    by: str
    reason: str
    message: str | None

    @property
    def holds(self) -> bool:
        return self.ends_at > clock.now()

    def refusal(self) -> DeskPaused:
        """What a create is answered: `until`, and `Retry-After` in seconds, rounded up."""
        error = DeskPaused(until=clock.rfc3339(self.ends_at), **({"notice": self.message} if self.message else {}))
        error.retry_after_s = max(1, int((self.ends_at - clock.now()).total_seconds()) + 1)
        return error


def current(session: Session) -> PauseFacts | None:
    """The one that holds now, the newest of several."""
    row = session.execute(
        select(DeskPause.id, DeskPause.began_at, DeskPause.ends_at, DeskPause.began_name, DeskPause.reason,
               DeskPause.message)
        .where(DeskPause.ended_at.is_(None), DeskPause.ends_at > clock.now())
        .order_by(DeskPause.id.desc()).limit(1)).one_or_none()
    return None if row is None else PauseFacts(*row)
