"""Months of history that were archived: what the desk knows of them once their rows lie in a file alone."""
import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, LargeBinary, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core.db import Base

WIDTH = 256  # bytes of a sum: so wide that no other rows with the same sum can be made up


class ArchivedMonth(Base):
    """One table's rows of one month, as their file has them. Written by the database's owner alone (`flask history`).

    `sha256`: of the file's lines. `sum` and the transactions: of a sealed table, so that the seals still prove it.
    """

    __tablename__ = "archived_months"
    __table_args__ = (
        CheckConstraint("num_nonnulls(sum, first_transaction, last_transaction) IN (0, 3)", name="sealed"),
        CheckConstraint("extract(day FROM month) = 1", name="month"),
    )
    table_name: Mapped[str] = mapped_column(Text, primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    rows: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    sum: Mapped[bytes | None] = mapped_column(LargeBinary)
    first_transaction: Mapped[int | None] = mapped_column(BigInteger)
    last_transaction: Mapped[int | None] = mapped_column(BigInteger)
    archived_at: Mapped[datetime]
    detached_at: Mapped[datetime | None]  # the rows are in the file alone


class Sum:
    """Of entries of seals in whatever order, with none twice: two sets of rows with one sum are one set.

    Each entry is hashed to WIDTH bytes, and these are added up as numbers (AdHash, with a modulus of 2^2048).
    """

    def __init__(self) -> None:
        self.rows, self._value = 0, 0

    def add(self, entry: bytes) -> None:
        self.add_all(1, hashlib.shake_256(entry).digest(WIDTH))

    def add_all(self, rows: int, value: bytes) -> None:
        self.rows += rows
        self._value = (self._value + int.from_bytes(value)) % (1 << 8 * WIDTH)

    @property
    def value(self) -> bytes:
        return self._value.to_bytes(WIDTH)


def detached(session: Session, table: str | None = None, *, since: datetime | None = None,
             until: datetime | None = None) -> Sequence[ArchivedMonth]:
    """Months that lie in their files alone, of one table or all, oldest first; those that such a time touches."""
    wanted = select(ArchivedMonth).where(ArchivedMonth.detached_at.is_not(None))
    conditions: list[Any] = []
    if table is not None:
        conditions.append(ArchivedMonth.table_name == table)
    if since is not None:
        conditions.append(ArchivedMonth.month >= since.date().replace(day=1))
    if until is not None:
        conditions.append(ArchivedMonth.month <= until.date())
    return session.scalars(wanted.where(*conditions).order_by(ArchivedMonth.month, ArchivedMonth.table_name)).all()
