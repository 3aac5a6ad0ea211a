"""Payouts that are not made yet: files and single requests with their rows; and recipients that a store has saved."""
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core import clock, ids
from portal.core.columns import Id, LongText
from portal.core.db import Base
from portal.core.money import Money
from portal.orders.facts import PREFIXES
from portal.orders.states import Direction
from portal.parties.models import Store

IMPORT, RECIPIENT = "pim", "rcp"
"""Prefixes of public ids."""


class PayoutImport(Base):
    """Payouts that a person wants sent together, from a file or, above the store's limit, one from the form.

    checked → (waiting →) making → done; or withdrawn, refused, expired. Nothing is held before `making`.
    """

    __tablename__ = "payout_imports"
    __table_args__ = (
        Index("ix_payout_imports_store_id", "store_id", "id"),  # the merchant's list, newest first
        Index("ix_payout_imports_content", "store_id", "content_print"),  # the same file again
        # what waits for a second person; whose external ids are on their way
        Index("ix_payout_imports_under_way", "store_id", "id", postgresql_where=text("state IN ('waiting', 'making')")),
        Index("ix_payout_imports_kept", "created_at", postgresql_where=text("NOT forgotten")),  # the sweep
        CheckConstraint("state IN ('checked', 'waiting', 'making', 'done', 'withdrawn', 'refused', 'expired')",
                        name="state"),
        CheckConstraint("source IN ('file', 'form')", name="source"),
        CheckConstraint("decided_by <> sent_by", name="two_people"),
        CheckConstraint("because IN ('person', 'subject')", name="because"),
        CheckConstraint("made + failed + wrong <= rows", name="counted"),
    )
    id: Mapped[Id]
    store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"))
    source: Mapped[LongText]
    file_name: Mapped[LongText]
    content_print: Mapped[bytes] = mapped_column(LargeBinary)
    rows: Mapped[int]
    wrong: Mapped[int]  # rows that were wrong when the file was checked: they are never sent
    made: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    state: Mapped[LongText] = mapped_column(default="checked")
    created_by: Mapped[UUID | None]
    created_name: Mapped[LongText]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    sent_by: Mapped[UUID | None]
    sent_name: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime | None]
    total_minor: Mapped[int | None] = mapped_column(BigInteger)  # with fees, in settlement currency, when it was sent
    before_minor: Mapped[int | None] = mapped_column(BigInteger)  # sent alone in the 24 h before, so that it waits
    because: Mapped[str | None] = mapped_column(Text)  # that was by the same person, or to the same recipient
    expires_at: Mapped[datetime | None]  # of one that waits for a second person
    decided_by: Mapped[UUID | None]
    decided_name: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(Text)  # why the second person refused
    held_up: Mapped[str | None] = mapped_column(Text)  # why it does not go on just now: a sentence of ours
    ended_at: Mapped[datetime | None]
    forgotten: Mapped[bool] = mapped_column(default=False)  # of its rows no numbers are kept any more
    store: Mapped[Store] = relationship(lazy="raise")

    @property
    def public_id(self) -> str:
        return ids.public(IMPORT, self.id)

    @property
    def right(self) -> int:
        """Rows that are sent, or would be."""
        return self.rows - self.wrong

    @property
    def left(self) -> int:
        """Rows that are still to be made."""
        return self.right - self.made - self.failed

    @property
    def total(self) -> Money | None:
        return None if self.total_minor is None else Money(self.total_minor, self.store.settlement_currency)

    @property
    def before(self) -> Money | None:
        return None if self.before_minor is None else Money(self.before_minor, self.store.settlement_currency)


class PayoutImportRow(Base):
    """One payout of an import. `cells_sealed`: as it was typed, with its store's key; gone once it is made."""

    __tablename__ = "payout_import_rows"
    __table_args__ = (
        Index("ix_payout_import_rows_right", "import_id", "number", postgresql_where=text("state = 'right'")),
        Index("ix_payout_import_rows_bad", "import_id", "number",
              postgresql_where=text("state IN ('wrong', 'failed')")),
        CheckConstraint("state IN ('right', 'wrong', 'made', 'failed')", name="state"),
        CheckConstraint("(state = 'made') = (order_id IS NOT NULL)", name="order"),
    )
    import_id: Mapped[UUID] = mapped_column(ForeignKey("payout_imports.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # of the file's rows, the head being 1
    state: Mapped[LongText]
    external_id: Mapped[LongText]
    currency: Mapped[str | None] = mapped_column(Text)
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    method: Mapped[str | None] = mapped_column(Text)
    mask: Mapped[LongText]
    cells_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    wrong: Mapped[list[Any]] = mapped_column(JSONB, default=list)  # [column, code, sentence, params], what to mend
    order_id: Mapped[UUID | None]

    @property
    def amount(self) -> Money | None:
        return None if self.amount_minor is None or self.currency is None else Money(self.amount_minor, self.currency)

    @property
    def order_public_id(self) -> str:
        """Of the payout that was made of it."""
        assert self.order_id is not None
        return ids.public(PREFIXES[Direction.PAYOUT], self.order_id)


class PayoutRecipient(Base):
    """Somebody a store pays again and again; number and names sealed with the store's key."""

    __tablename__ = "payout_recipients"
    __table_args__ = (UniqueConstraint("store_id", "number_fingerprint", "method"),)
    id: Mapped[Id]
    store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"))
    name_sealed: Mapped[bytes] = mapped_column(LargeBinary)  # what the store calls them
    holder_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # the name the trader sees
    currency: Mapped[LongText]  # that the number was judged for
    method: Mapped[LongText]
    bank: Mapped[str | None] = mapped_column(Text)
    number_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    number_mask: Mapped[LongText]
    number_fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    created_name: Mapped[LongText]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    @property
    def public_id(self) -> str:
        return ids.public(RECIPIENT, self.id)
