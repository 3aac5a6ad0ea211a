"""Mails on their way."""
from datetime import datetime

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.columns import Id, LongText
from portal.core.db import Base


class Mail(Base):
    """One mail to one person. Address and text are sealed; the text goes as soon as it is sent."""

    __tablename__ = "mails"
    __table_args__ = (Index("ix_mails_made_at", "made_at"),)  # /dev/mail; upkeep forgets
    id: Mapped[Id]
    to_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    subject: Mapped[LongText]
    text_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    sent_at: Mapped[datetime | None]
