"""The tables of the books. Only `balances` ever changes; `migrations/sql/ledger.sql` refuses the rest."""
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.columns import LongText, Minor, Serial
from portal.core.db import Base

NIL = "'00000000-0000-0000-0000-000000000000'"


class AccountRow(Base):
    """One account: whose, for what, in which currency, live or test. Never updated; postings refer to it.

    The desk itself and the outside world are one owner each: their `owner_id` is the nil UUID, so that the identity
    is unique without nulls. A trigger gives each account its row in `balances`.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("owner_kind", "owner_id", "purpose", "currency", "live", name="uq_accounts_identity"),
        UniqueConstraint("id", "currency", "live", name="uq_accounts_id_currency_live"),  # what postings refer to
        CheckConstraint("(owner_kind IN ('store', 'trader') AND purpose IN ('available', 'held'))"
                        " OR (owner_kind = 'store' AND purpose = 'reserve')"
                        " OR (owner_kind = 'platform' AND purpose IN ('fees', 'suspense'))"
                        " OR (owner_kind = 'world' AND purpose = 'external')", name="purpose"),
        CheckConstraint(f"(owner_kind IN ('platform', 'world')) = (owner_id = {NIL})", name="owner"),
    )
    id: Mapped[Serial]
    owner_kind: Mapped[LongText]
    owner_id: Mapped[UUID]
    purpose: Mapped[LongText]
    currency: Mapped[LongText]
    live: Mapped[bool]


class BalanceRow(Base):
    """What an account came to: cumulative debits and credits in minor units. The balance is credit minus debit."""

    __tablename__ = "balances"
    __table_args__ = (
        CheckConstraint("may_overdraw OR credits_minor >= debits_minor", name="covered"),
        CheckConstraint("debits_minor >= 0 AND credits_minor >= 0", name="cumulative"),
        {"postgresql_with": {"fillfactor": 50}},  # the hottest rows of the desk: room for HOT updates
    )
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    may_overdraw: Mapped[bool]  # the desk's own and the outside world's only; set once, by the trigger
    debits_minor: Mapped[Minor] = mapped_column(default=0, server_default="0")
    credits_minor: Mapped[Minor] = mapped_column(default=0, server_default="0")


class JournalEntry(Base):
    """An immutable fact. `reference` is the assignment, order or approval that it is about: one entry per kind."""

    __tablename__ = "journal_entries"
    __table_args__ = (
        UniqueConstraint("kind", "reference", name="uq_journal_entries_kind_reference"),
        UniqueConstraint("reverses_id", name="uq_journal_entries_reverses_id"),  # nothing is reversed twice
        Index("ix_journal_entries_reference", "reference"),  # the dossier of an order or assignment
        Index("ix_journal_entries_posted_at", "posted_at", postgresql_using="brin"),  # a day's close; costs no insert
        CheckConstraint("(kind = 'reversal') = (reverses_id IS NOT NULL)", name="reversal"),
    )
    id: Mapped[Serial]
    kind: Mapped[LongText]
    reference: Mapped[UUID]
    memo: Mapped[str | None] = mapped_column(Text)
    actor_kind: Mapped[LongText]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[LongText]
    posted_at: Mapped[datetime]
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("journal_entries.id"))


class Posting(Base):
    """A positive amount from one account to another, of one currency and mode by its keys.

    `…_after_minor` is the account's balance (credit minus debit) once this posting counts. Ids of one account rise
    in the order of its postings, because they are drawn under the lock of its balance.
    """

    __tablename__ = "postings"
    __table_args__ = (
        ForeignKeyConstraint(["debit_id", "currency", "live"],
                             ["accounts.id", "accounts.currency", "accounts.live"], name="fk_postings_debit"),
        ForeignKeyConstraint(["credit_id", "currency", "live"],
                             ["accounts.id", "accounts.currency", "accounts.live"], name="fk_postings_credit"),
        Index("ix_postings_debit_id_id", "debit_id", "id"),  # statements
        Index("ix_postings_credit_id_id", "credit_id", "id"),
        Index("ix_postings_entry_id", "entry_id"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("debit_id <> credit_id", name="two_accounts"),
    )
    id: Mapped[Serial]
    entry_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("journal_entries.id"))
    debit_id: Mapped[int] = mapped_column(BigInteger)
    credit_id: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[LongText]
    live: Mapped[bool]
    amount_minor: Mapped[Minor]
    debit_after_minor: Mapped[Minor]
    credit_after_minor: Mapped[Minor]
