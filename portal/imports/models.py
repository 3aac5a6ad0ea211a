"""Files that were taken in, sealed as they came: they hold card numbers and names."""
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock, ids
from portal.core.columns import Id, LongText
from portal.core.db import Base

PREFIX = "imp"


class Import(Base):
    """One file. checked → asked → applied, or back to checked when a second person refuses; then nothing is kept of it
    but its figures. Read newest first, by id."""

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint("state IN ('checked', 'asked', 'applied')", name="state"),
        CheckConstraint("sheet IN ('merchants', 'stores', 'traders', 'requisites', 'balances')", name="sheet"),
        CheckConstraint("(state = 'applied') = (content_sealed IS NULL)", name="forgotten"),
    )
    id: Mapped[Id]
    sheet: Mapped[LongText]
    file_name: Mapped[LongText]
    rows: Mapped[int]
    content_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # with the master key, until it is applied
    state: Mapped[LongText] = mapped_column(default="checked")
    sums: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)  # opening balances: minor units by currency
    created_by: Mapped[UUID | None]
    created_name: Mapped[LongText]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    applied_at: Mapped[datetime | None]

    @property
    def public_id(self) -> str:
        return ids.public(PREFIX, self.id)
