"""Columns and traits that many tables share."""
from datetime import datetime
from typing import Annotated
from uuid import UUID

from sqlalchemy import BigInteger, ColumnClause, Identity, Text, literal_column
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.ids import new_id

Id = Annotated[UUID, mapped_column(primary_key=True, default=new_id)]
Serial = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
Minor = Annotated[int, mapped_column(BigInteger)]
"""Whole minor units of the currency named beside it."""
LongText = Annotated[str, mapped_column(Text)]


def words_of(column: str) -> ColumnClause[str]:
    """A name's words as staff search for them, however they are joined: "book" finds `The Bookshop-2`."""
    return literal_column(f"to_tsvector('simple', translate({column}, '-_./', '    '))")


class Timestamped:
    """When a row was made and last changed."""

    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)
