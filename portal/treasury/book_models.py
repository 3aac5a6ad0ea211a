"""What staff put right in the books, and what merchants move between their stores.

Amounts in minor units of `currency`; only live money. `migrations/sql/treasury.sql` keeps what is settled.
"""
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock, ids
from portal.core.columns import Id, LongText, Minor
from portal.core.db import Base
from portal.core.money import Money
from portal.ledger.models import NIL

TRANSFER = "trf"


class Adjustment(Base):
    """Money that staff put right on somebody's account, positive for the owner's good; it counts once approved.

    The desk itself and the outside world are one owner each, as in the books: their `owner_id` is the nil UUID.
    """

    __tablename__ = "adjustments"
    __table_args__ = (
        UniqueConstraint("approval_id"),
        Index("ix_adjustments_owner", "owner_kind", "owner_id", "id"),  # what was put right for one
        CheckConstraint("owner_kind IN ('store', 'trader', 'platform', 'world')", name="owner_kind"),
        CheckConstraint(f"(owner_kind IN ('platform', 'world')) = (owner_id = {NIL})", name="owner"),
        CheckConstraint("amount_minor <> 0", name="amount"),
        CheckConstraint("status IN ('asked', 'posted', 'refused')", name="status"),
        CheckConstraint("(status = 'asked') = (ended_at IS NULL)", name="ended"),
    )
    id: Mapped[Id]
    owner_kind: Mapped[LongText]
    owner_id: Mapped[UUID]
    currency: Mapped[LongText]
    amount_minor: Mapped[Minor]
    code: Mapped[LongText]  # of treasury.adjustments.CODES
    status: Mapped[LongText] = mapped_column(default="asked")
    approval_id: Mapped[UUID]  # the entry in the journal is about it
    reason: Mapped[str] = mapped_column(Text)
    asked_name: Mapped[LongText]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]

    @property
    def approval_public_id(self) -> str:
        return ids.public("apr", self.approval_id)

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class Transfer(Base):
    """What a merchant moved from one of its stores to another. Done at once; the entry in the journal is about it."""

    __tablename__ = "transfers"
    __table_args__ = (
        Index("ix_transfers_from_store_id", "from_store_id", "id"),  # the merchant's list, by its stores
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("from_store_id <> to_store_id", name="two_stores"),
    )
    id: Mapped[Id]
    from_store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"))
    to_store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"))
    currency: Mapped[LongText]
    amount_minor: Mapped[Minor]
    made_name: Mapped[LongText]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @property
    def public_id(self) -> str:
        return ids.public(TRANSFER, self.id)

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)
