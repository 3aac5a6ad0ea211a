"""Approvals: a change that one person asks for and another decides."""
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.approvals import kinds
from portal.core import clock, ids
from portal.core.columns import Id, LongText, Minor
from portal.core.db import Base
from portal.core.money import Money


class Approval(Base):
    """What is to change (`before` → `after`, no secrets), why, who asked, who decided. Decided once, for ever;
    `withdrawn` by who asked or `expired` at its time, it was not decided at all.

    `first_by` agreed already where two have to; `alone_max_minor` is the limit by which who asked decided himself.
    """

    __tablename__ = "approvals"
    __table_args__ = (
        Index("ix_approvals_state_created_at_id", "state", "created_at", "id"),  # staff's list
        Index("ix_approvals_target", "target_kind", "target_id"),  # a record's own
        Index("ix_approvals_asked_by", "asked_by", "created_at", "id"),  # one's own
        Index("ix_approvals_expires_at", "expires_at", postgresql_where=text("state = 'pending'")),  # overdue
        CheckConstraint("decided_by <> asked_by OR (alone_max_minor IS NOT NULL AND first_by IS NULL)",
                        name="four_eyes"),
        CheckConstraint("first_by <> asked_by AND (first_by <> decided_by OR state <> 'approved')", name="six_eyes"),
        CheckConstraint("state IN ('pending', 'approved', 'rejected', 'withdrawn', 'expired')", name="state"),
        CheckConstraint("(state = 'pending') = (decided_at IS NULL)"
                        " AND (state IN ('approved', 'rejected')) = (decided_by IS NOT NULL)", name="decided"),
    )
    id: Mapped[Id]
    kind: Mapped[LongText]
    target_kind: Mapped[LongText]
    target_id: Mapped[LongText]
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[LongText]
    state: Mapped[LongText] = mapped_column(default="pending")
    asked_by: Mapped[UUID | None]  # None: the system asked
    asked_name: Mapped[LongText]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    decided_by: Mapped[UUID | None]
    decided_name: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[datetime]
    first_by: Mapped[UUID | None]
    first_name: Mapped[str | None] = mapped_column(Text)
    first_at: Mapped[datetime | None]
    alone_max_minor: Mapped[int | None] = mapped_column(BigInteger)
    shown_once: ClassVar[str | None] = None  # what its effect tells the one who decides, and nobody again

    @property
    def public_id(self) -> str:
        return ids.public("apr", self.id)

    @property
    def title(self) -> str:
        return kinds.title_of(self.kind)

    @property
    def moves_money(self) -> bool:
        """Its postings are looked at before it is approved: one by one on its page, or together with others chosen."""
        return kinds.is_money(self.kind)

    @property
    def amount(self) -> Money | None:
        """What it is about, where that is an amount of money: what limits of decisions go by.

        Of an order the most of what was ordered, what came and what is to count: all of it is decided about.
        """
        if not self.moves_money or "amount" not in self.after:
            return None
        return max(Money.parse(self.after[name], self.after["currency"])
                   for name in ("amount", "ordered", "received") if name in self.after)


class ApprovalLimit(Base):
    """How much of a kind one person decides alone, and from where on two have to besides who asked."""

    __tablename__ = "approval_limits"
    __table_args__ = (
        CheckConstraint("alone_max_minor >= 0 AND two_from_minor > alone_max_minor", name="amounts"),)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    alone_max_minor: Mapped[Minor] = mapped_column(default=0)
    two_from_minor: Mapped[int | None] = mapped_column(BigInteger)
    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)

    @property
    def alone_max(self) -> Money:
        return Money(self.alone_max_minor, self.currency)

    @property
    def two_from(self) -> Money | None:
        return None if self.two_from_minor is None else Money(self.two_from_minor, self.currency)


class SmallMove(Base):
    """One piece: whose wish, what about, and how many `others` agreed to it. Kept while it counts.

    `scope`: what it counts against, kinds of approval or one store's payouts. `subject`: a store or trader, or
    the print of a recipient's number.
    """

    __tablename__ = "small_moves"
    __table_args__ = (
        Index("ix_small_moves_asked_by", "scope", "currency", "asked_by", "moved_at"),  # one person's sum
        Index("ix_small_moves_decided_by", "scope", "currency", "decided_by", "moved_at"),  # one decider's sum
        Index("ix_small_moves_subject", "scope", "currency", "subject", "moved_at"),  # what one owner or recipient got
        Index("ix_small_moves_moved_at", "moved_at"),  # the sweep
        CheckConstraint("amount_minor >= 0", name="amount"),
        CheckConstraint("others IN (0, 1)", name="others"),
    )
    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    reference: Mapped[str] = mapped_column(Text, primary_key=True)  # of the approval, the import, the form
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    asked_by: Mapped[UUID | None]  # None: the system asked
    decided_by: Mapped[UUID | None]  # None: nobody, it was sent alone
    currency: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[Minor]
    others: Mapped[int]  # who agreed besides who asked
    moved_at: Mapped[datetime] = mapped_column(default=clock.now)
