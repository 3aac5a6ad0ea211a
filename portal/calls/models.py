"""One call of the gateway, as its store's developers may see it again."""
from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, PrimaryKeyConstraint, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import ids
from portal.core.columns import LongText
from portal.core.db import Base

SEARCH_MAX = 255  # characters; a longer external id is not looked for


class LoggedCall(Base):
    """What a key asked and was answered. Only added; partitioned by day, and dropped with its day.

    `id` is the request id, whose first bits are `created_at`. Bodies are text: JSON without secrets and numbers, which
    may have been cut off; None where there was none, or none that may be kept. The answer to a plain create is not kept
    either: it is the order's first.
    """

    __tablename__ = "logged_calls"
    __table_args__ = (
        PrimaryKeyConstraint("id", "created_at"),
        Index("ix_logged_calls_store_id", "store_id", "live", "created_at", "id"),  # the page, newest first
        # the page's refusals, which are few among many
        Index("ix_logged_calls_refused", "store_id", "live", "created_at", "id",
              postgresql_where=text("status >= 400")),
        Index("ix_logged_calls_external_id", "store_id", "external_id", "created_at",
              postgresql_where=text("external_id IS NOT NULL")),  # the page's search
        Index("ix_logged_calls_order_id", "order_id", "created_at",
              postgresql_where=text("order_id IS NOT NULL")),  # likewise
        {"postgresql_partition_by": "RANGE (created_at)", "comment": "by day"},
    )
    id: Mapped[UUID]
    created_at: Mapped[datetime]
    store_id: Mapped[UUID]
    live: Mapped[bool]
    key_id: Mapped[UUID]
    method: Mapped[LongText]
    path: Mapped[LongText]  # with the query
    status: Mapped[int]
    code: Mapped[str | None] = mapped_column(Text)  # of a refusal
    ms: Mapped[int]
    external_id: Mapped[str | None] = mapped_column(Text)
    order_id: Mapped[UUID | None]
    request_bytes: Mapped[int]
    answer_bytes: Mapped[int]
    request: Mapped[str | None] = mapped_column(Text)
    answer: Mapped[str | None] = mapped_column(Text)

    @property
    def public_id(self) -> str:
        return ids.public("req", self.id)

    @property
    def store_shown(self) -> str:
        return ids.public("str", self.store_id)

    @property
    def order_shown(self) -> str:
        prefix = "pout" if "/payouts" in self.path else "pin"
        return ids.public(prefix, self.order_id) if self.order_id is not None else ""

    @property
    def refused(self) -> bool:
        return self.status >= 400
