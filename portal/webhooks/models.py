"""Endpoints that stores name, events told to them, deliveries of an event to an endpoint, tries of a delivery, replays.

Events, deliveries and attempts are partitioned by month and kept for thirty days or longer. A delivery changes while
its schedule runs (three days at most), then never again; so its month can be detached like the others. Nothing
refers to these rows by foreign key: a detached month must not hold on to another.
"""
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    and_,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from portal.core import clock, ids
from portal.core.columns import Id, LongText, Timestamped
from portal.core.db import Base


class EndpointStatus(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"  # by the merchant, by a 410, or after a whole schedule of failures
    DELETED = "deleted"  # seen no more; its deliveries stay on record


class EndpointKind(StrEnum):
    URL = "url"  # a server of the store's
    INBOX = "inbox"  # the desk itself keeps what a test order would have told: for who has no server yet


class ReplayState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    BOUNDED = "bounded"  # as many as one replay takes; the next begins where it stopped
    STOPPED = "stopped"  # its endpoint was switched off or deleted meanwhile


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"  # the whole schedule, or a 410
    DROPPED = "dropped"  # its endpoint was disabled or deleted before it could be sent


class Endpoint(Timestamped, Base):
    """An address of a store that wants to be told, or an inbox that the desk keeps itself for test orders.

    `types` are event types, or `*` alone for all; `url` of an inbox is the page where it is read.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        # what a step announces to (announce), and the list in order of creation
        Index("ix_webhook_endpoints_store_id", "store_id", "live", "created_at", postgresql_where=text(
            "status <> 'deleted'")),
        CheckConstraint("status IN ('active', 'disabled', 'deleted')", name="status"),
        CheckConstraint("cardinality(types) > 0", name="types"),
        CheckConstraint("kind IN ('url', 'inbox')", name="kind"),
        CheckConstraint("kind <> 'inbox' OR NOT live", name="inbox"),
    )
    id: Mapped[Id]
    store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"))
    live: Mapped[bool]
    kind: Mapped[LongText] = mapped_column(default=EndpointKind.URL)
    url: Mapped[LongText]
    description: Mapped[str | None] = mapped_column(Text)
    types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    status: Mapped[LongText] = mapped_column(default=EndpointStatus.ACTIVE)
    # whether the payment link is told there: to who named the address it must be open anyway
    with_link: Mapped[bool] = mapped_column(default=False, server_default=text("true"))
    disabled_because: Mapped[str | None] = mapped_column(Text)  # merchant, gone, failing
    disabled_at: Mapped[datetime | None]
    # a sentence of the desk's that pages show until the merchant turns the endpoint on again
    notice_pending: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)  # with the master key
    previous_secret_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_until: Mapped[datetime | None]  # both secrets sign until then

    @property
    def public_id(self) -> str:
        return ids.public("whk", self.id)

    @property
    def active(self) -> bool:
        return self.status == EndpointStatus.ACTIVE

    @property
    def secret_version(self) -> str:
        """Another one after each change of the secret; says nothing about it."""
        return clock.rfc3339(self.previous_until) or "first"


class Event(Base):
    """Something a store is told, with what the gateway would have shown at that step. Never changed."""

    __tablename__ = "webhook_events"
    __table_args__ = (
        PrimaryKeyConstraint("id", "created_at"),
        Index("ix_webhook_events_store_id", "store_id", "live", "created_at", "id"),  # GET /events, newest first
        Index("ix_webhook_events_order_id", "order_id", "created_at"),  # an order's page
        {"postgresql_partition_by": "RANGE (created_at)"},
    )
    id: Mapped[UUID] = mapped_column(default=ids.new_id)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    store_id: Mapped[UUID]
    live: Mapped[bool]
    type: Mapped[LongText]  # payin.completed
    order_id: Mapped[UUID | None]
    version: Mapped[int | None]  # the order's after the step
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)  # without names and link, as `webhooks.payload` says

    @property
    def public_id(self) -> str:
        return ids.public("evt", self.id)


NAME_NOT_OPENED, SECRET_NOT_OPENED = "name_not_opened", "secret_not_opened"
NOT_OPENED = (NAME_NOT_OPENED, SECRET_NOT_OPENED)  # of an attempt: nothing was sent, by a fault of the desk


class Outcome:
    """What an attempt came to, as its merchant reads it. Whatever brought no answer reads the same and took no time, or
    the desk would tell its merchants which names resolve inside and which ports are open. Staff read what is kept."""

    def __init__(self, status: int | None, error: str | None, ms: int | None) -> None:
        silent = status is None and error not in (None, "tls_failed", "broken_answer")
        self.status = status
        self.error = "no_answer" if silent and error not in NOT_OPENED else error
        self.ms = None if silent else ms

    @property
    def good(self) -> bool:
        return self.error is None and self.status is not None and 200 <= self.status < 300


class Delivery(Base):
    """One event on its way to one endpoint, over all its attempts."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        PrimaryKeyConstraint("id", "created_at"),
        Index("ix_webhook_deliveries_store_id", "store_id", "live", "created_at", "id"),  # the list, newest first
        Index("ix_webhook_deliveries_endpoint_id", "endpoint_id", "created_at", "id"),  # an endpoint's own
        Index("ix_webhook_deliveries_event_id", "event_id"),  # an event's own
        CheckConstraint("state IN ('pending', 'delivered', 'failed', 'dropped')", name="state"),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )
    id: Mapped[UUID] = mapped_column(default=ids.new_id)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    event_id: Mapped[UUID]
    event_created_at: Mapped[datetime]  # names the event's month
    endpoint_id: Mapped[UUID]
    store_id: Mapped[UUID]
    live: Mapped[bool]
    type: Mapped[LongText]
    state: Mapped[LongText] = mapped_column(default=DeliveryState.PENDING)
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")  # all that were made
    begun_at_attempt: Mapped[int] = mapped_column(default=0, server_default="0")  # the schedule counts from here
    begun_at: Mapped[datetime]  # when the present schedule began: at once, or when resent
    next_attempt_at: Mapped[datetime | None]
    last_attempt_at: Mapped[datetime | None]
    # of the last attempt
    response_status: Mapped[int | None]  # HTTP; None when there was no answer
    response_ms: Mapped[int | None]
    response_error: Mapped[str | None] = mapped_column(Text)  # timeout, connect_failed, …
    response_head: Mapped[str | None] = mapped_column(Text)  # its headers, the first 1 KB of them
    response_text: Mapped[str | None] = mapped_column(Text)  # its body, the first 1 KB
    event: Mapped[Event] = relationship(lazy="raise", viewonly=True, primaryjoin=lambda: and_(
        foreign(Delivery.event_id) == Event.id, foreign(Delivery.event_created_at) == Event.created_at))
    endpoint: Mapped[Endpoint] = relationship(lazy="raise", viewonly=True, primaryjoin=lambda: foreign(
        Delivery.endpoint_id) == Endpoint.id)

    @property
    def public_id(self) -> str:
        return ids.public("dlv", self.id)

    @property
    def outcome(self) -> Outcome:
        """Of the last attempt."""
        return Outcome(self.response_status, self.response_error, self.response_ms)


class Attempt(Base):
    """One request that was made, or refused by our own guard, or not made since a name or its secret did not open.
    Only added; an inbox keeps a delivery's newest five."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (
        PrimaryKeyConstraint("id", "created_at"),
        Index("ix_webhook_attempts_delivery_id", "delivery_id", "created_at"),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    delivery_id: Mapped[UUID]
    number: Mapped[int]  # 1 for the first
    url: Mapped[LongText]  # the endpoint's at that time
    request_head: Mapped[LongText]  # without its signatures; of an inbox with them, for its reader has the secret
    status: Mapped[int | None]
    ms: Mapped[int]
    error: Mapped[str | None] = mapped_column(Text)
    response_head: Mapped[str | None] = mapped_column(Text)
    response: Mapped[str | None] = mapped_column(Text)

    @property
    def outcome(self) -> Outcome:
        return Outcome(self.status, self.error, self.ms)


class Replay(Timestamped, Base):
    """Everything since a moment, told once more to one endpoint: how far that is."""

    __tablename__ = "webhook_replays"
    __table_args__ = (
        Index("ix_webhook_replays_endpoint_id", "endpoint_id", "id"),  # an endpoint's newest
        Index("ix_webhook_replays_store_id", "store_id", "created_at"),  # what a store's last day has told
        Index("ix_webhook_replays_ended_at", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),  # forgetting
        # two that ran at once would send each event twice
        Index("uq_webhook_replays_running", "endpoint_id", unique=True, postgresql_where=text("state = 'running'")),
        CheckConstraint("state IN ('running', 'done', 'bounded', 'stopped')", name="state"),
    )
    id: Mapped[Id]
    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_endpoints.id"))
    store_id: Mapped[UUID]  # the endpoint's
    since: Mapped[datetime]  # inclusive
    until: Mapped[datetime]  # when it was asked for: what happens later is told anyway
    undelivered_only: Mapped[bool]  # leave out what the endpoint has taken before
    state: Mapped[LongText] = mapped_column(default=ReplayState.RUNNING)
    queued: Mapped[int] = mapped_column(default=0, server_default="0")  # events promised so far
    reached_at: Mapped[datetime]  # the last event that was looked at
    reached_id: Mapped[UUID]
    ended_at: Mapped[datetime | None]

    @property
    def public_id(self) -> str:
        return ids.public("rpl", self.id)
