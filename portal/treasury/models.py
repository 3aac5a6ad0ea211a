"""Money that comes to the desk and leaves it, and where it may go; `migrations/sql/treasury.sql` keeps what is settled.

An owner is a store or a trader; only live money is deposited and withdrawn. Amounts in minor units of `currency`.
"""
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core import clock, ids
from portal.core.columns import Id, LongText, Minor
from portal.core.db import Base
from portal.core.money import Money
from portal.treasury.states import AddressStatus, DepositStatus, WithdrawalStatus

DEPOSIT, ADDRESS, WITHDRAWAL = "dep", "wad", "wdr"
OWNER = "owner_kind IN ('store', 'trader')"


class Deposit(Base):
    """Somebody says that money came in: its owner, with a reference and a proof, or staff. It counts once approved."""

    __tablename__ = "deposits"
    __table_args__ = (
        UniqueConstraint("approval_id"),
        Index("ix_deposits_owner", "owner_kind", "owner_id", "id"),  # the owner's list
        Index("ix_deposits_status_id", "status", "id"),  # staff's list
        # the same transfer told of twice
        Index("ix_deposits_reference_key", "reference_key", postgresql_where=text("reference_key IS NOT NULL")),
        CheckConstraint(OWNER, name="owner"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("status IN ('asked', 'credited', 'refused', 'retracted')", name="status"),
        CheckConstraint("(status = 'asked') = (ended_at IS NULL)", name="ended"),
    )
    id: Mapped[Id]
    owner_kind: Mapped[LongText]
    owner_id: Mapped[UUID]
    currency: Mapped[LongText]
    amount_minor: Mapped[Minor]
    network: Mapped[str | None] = mapped_column(Text)  # of treasury.networks
    reference: Mapped[str | None] = mapped_column(Text)  # of the transfer: a transaction's hash, the bank's number
    reference_key: Mapped[str | None] = mapped_column(Text)  # the same, however it is spelled
    status: Mapped[LongText] = mapped_column(default=DepositStatus.ASKED)
    approval_id: Mapped[UUID]  # the entry in the journal is about it
    asked_name: Mapped[LongText]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]

    @property
    def public_id(self) -> str:
        return ids.public(DEPOSIT, self.id)

    @property
    def approval_public_id(self) -> str:
        return ids.public("apr", self.approval_id)

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class WithdrawalAddress(Base):
    """Where an owner's money may go: one line of their address book. Another address is another line."""

    __tablename__ = "withdrawal_addresses"
    __table_args__ = (
        # one address stands in a book once
        Index("uq_withdrawal_addresses_place", "owner_kind", "owner_id", "network", "fingerprint", unique=True,
              postgresql_where=text("status IN ('pending', 'active')")),
        Index("ix_withdrawal_addresses_owner", "owner_kind", "owner_id", "id"),  # the owner's book
        Index("ix_withdrawal_addresses_fingerprint", "fingerprint"),  # the same address in somebody else's book
        CheckConstraint(OWNER, name="owner"),
        CheckConstraint("status IN ('pending', 'active', 'refused', 'removed')", name="status"),
        CheckConstraint("status <> 'active' OR usable_at IS NOT NULL", name="rested"),
    )
    id: Mapped[Id]
    owner_kind: Mapped[LongText]
    owner_id: Mapped[UUID]
    currency: Mapped[LongText]
    network: Mapped[LongText]
    label: Mapped[LongText]
    address_sealed: Mapped[bytes] = mapped_column(LargeBinary)  # with the owner's data key
    mask: Mapped[LongText]
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[LongText] = mapped_column(default=AddressStatus.PENDING)
    asked_name: Mapped[LongText]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    usable_at: Mapped[datetime | None]  # approved, and rested since
    ended_at: Mapped[datetime | None]

    @property
    def public_id(self) -> str:
        return ids.public(ADDRESS, self.id)

    @property
    def rests(self) -> bool:
        return self.status == AddressStatus.ACTIVE and not self.usable

    @property
    def usable(self) -> bool:
        return self.status == AddressStatus.ACTIVE and self.usable_at is not None and self.usable_at <= clock.now()


class Withdrawal(Base):
    """An owner's money on its way out: held from the moment it is asked for until it is sent or given back."""

    __tablename__ = "withdrawals"
    __table_args__ = (
        UniqueConstraint("reference_key", name="uq_withdrawals_reference"),  # a transfer pays one withdrawal
        Index("ix_withdrawals_owner", "owner_kind", "owner_id", "id"),  # the owner's list
        Index("ix_withdrawals_status_id", "status", "id"),  # staff's list; what is held
        Index("ix_withdrawals_ended_at", "ended_at"),  # what was sent or given back today
        CheckConstraint(OWNER, name="owner"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("status IN ('requested', 'approved', 'sent', 'refused', 'cancelled', 'released')",
                        name="status"),
        CheckConstraint("status NOT IN ('approved', 'sent', 'released') OR decided_by IS NOT NULL", name="decided"),
        CheckConstraint("(status = 'sent') = (reference IS NOT NULL)"
                        " AND (status = 'sent') = (reference_key IS NOT NULL)"
                        " AND (status = 'sent') = (sent_by IS NOT NULL)", name="sent"),
        CheckConstraint("sent_by <> decided_by AND taken_by <> decided_by", name="two_staff"),
        CheckConstraint("(status IN ('requested', 'approved')) = (ended_at IS NULL)", name="ended"),
    )
    id: Mapped[Id]
    owner_kind: Mapped[LongText]
    owner_id: Mapped[UUID]
    currency: Mapped[LongText]
    amount_minor: Mapped[Minor]
    address_id: Mapped[UUID] = mapped_column(ForeignKey("withdrawal_addresses.id"))
    status: Mapped[LongText] = mapped_column(default=WithdrawalStatus.REQUESTED)
    approval_id: Mapped[UUID]
    asked_name: Mapped[LongText]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    decided_by: Mapped[UUID | None]  # who approved it; they do not send it
    decided_name: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None]
    taken_by: Mapped[UUID | None]  # who is sending it now
    taken_name: Mapped[str | None] = mapped_column(Text)
    taken_at: Mapped[datetime | None]
    sent_by: Mapped[UUID | None]
    sent_name: Mapped[str | None] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(Text)  # of the transfer that paid it
    reference_key: Mapped[str | None] = mapped_column(Text)  # the same, however it is spelled
    ended_at: Mapped[datetime | None]
    ended_reason: Mapped[str | None] = mapped_column(Text)
    address: Mapped[WithdrawalAddress] = relationship(lazy="raise")

    @property
    def public_id(self) -> str:
        return ids.public(WITHDRAWAL, self.id)

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def overdue(self) -> bool:
        """Refused by nobody: the time to decide ran out."""
        return self.status == WithdrawalStatus.REFUSED and self.ended_reason is not None


class WithdrawalMinimum(Base):
    """The smallest withdrawal in a currency; without a row any amount may go."""

    __tablename__ = "withdrawal_minimums"
    __table_args__ = (CheckConstraint("min_minor > 0", name="minimum"),)
    currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"), primary_key=True)
    min_minor: Mapped[Minor]

    @property
    def minimum(self) -> Money:
        return Money(self.min_minor, self.currency)
