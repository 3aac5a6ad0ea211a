"""The heart: an order, the attempts to have it done, the steps it took."""
from datetime import date, datetime
from typing import Any, Literal, get_args
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    cast,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core import clock, ids, names
from portal.core.columns import Id, LongText, Minor
from portal.core.db import Base
from portal.core.money import Money
from portal.orders.facts import OrderFacts
from portal.orders.states import AssignmentState
from portal.parties.models import Store, Trader
from portal.requisites.models import Requisite


class Order(OrderFacts, Base):
    """One payin or payout that a store asked for.

    `status` and what changes with it stand in no index, so that every step is a HOT update.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("store_id", "live", "external_id", name="uq_orders_external_id"),
        UniqueConstraint("store_id", "live", "direction", "idempotency_key", name="uq_orders_idempotency_key"),
        Index("ix_orders_created_at_id", "created_at", "id"),  # staff's list
        # gateway and merchant lists, each of one direction
        Index("ix_orders_store_id_direction", "store_id", "live", "direction", "created_at", "id"),
        Index("ix_orders_customer", "store_id", "customer_id", "created_at"),  # gateway filter, staff search
        Index("ix_orders_amount", "amount_minor", "created_at"),  # staff search: an amount, newest first
        # the same, by a sum that was varied; of no other order, whose steps stay HOT
        Index("ix_orders_varied", "amount_to_pay_minor", "created_at",
              postgresql_where=text("amount_to_pay_minor <> amount_minor")),
        CheckConstraint("direction IN ('payin', 'payout')", name="direction"),
        CheckConstraint("amount_minor > 0 AND amount_to_pay_minor > 0 AND settlement_minor > 0", name="amounts"),
        CheckConstraint("(direction = 'payout') = (destination_sealed IS NOT NULL)"
                        " AND num_nonnulls(destination_sealed, destination_mask, destination_fingerprint) IN (0, 3)",
                        name="destination"),
        CheckConstraint("fee_minor >= 0 AND fee_minor <= settlement_minor", name="fee"),
        CheckConstraint("num_nonnulls(final_settlement_minor, final_fee_minor, final_reward_minor) IN (0, 3)"
                        " AND final_settlement_minor >= 0 AND final_reward_minor >= 0"
                        " AND final_fee_minor BETWEEN 0 AND final_settlement_minor", name="final_amounts"),
        {"postgresql_with": {"fillfactor": 75}},
    )
    store: Mapped[Store] = relationship(lazy="raise")


Index("ix_orders_destination", Order.destination_fingerprint, Order.created_at,  # who else was paid there
      postgresql_where=text("destination_fingerprint IS NOT NULL"))
# search: the store's own id in any case; how our id ends, as lists show it; an address; how a customer's name begins
Index("ix_orders_external_id_folded", func.lower(Order.external_id))
Index("ix_orders_short_id", func.right(cast(Order.id, Text), 8))
Index("ix_orders_customer_ip", Order.customer_ip, Order.created_at, postgresql_where=text("customer_ip IS NOT NULL"))
Index("ix_orders_customer_folded", Order.store_id, names.folded(Order.customer_name).label("name"),
      postgresql_ops={"name": "text_pattern_ops"}, postgresql_where=text("customer_name IS NOT NULL"))


class Assignment(Base):
    """One attempt to have an order done by one requisite; at most one open or chosen per order."""

    __tablename__ = "assignments"
    __table_args__ = (
        Index("ix_assignments_order_id", "order_id"),
        # a trader's orders, newest first, and which requisite each took with what: no second index (decision 0078)
        Index("ix_assignments_history", "trader_id", "created_at", "id",
              postgresql_include=["requisite_id", "amount_minor"]),
        Index("uq_assignments_current", "order_id", unique=True, postgresql_where=text("state IN ('open', 'chosen')")),
        CheckConstraint("state IN ('open', 'lingering', 'chosen', 'ended')", name="state"),
        {"postgresql_with": {"fillfactor": 75}},
    )
    id: Mapped[Id]
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    requisite_id: Mapped[UUID] = mapped_column(ForeignKey("requisites.id"))
    trader_id: Mapped[UUID] = mapped_column(ForeignKey("traders.id"))
    holder_id: Mapped[UUID]
    state: Mapped[LongText] = mapped_column(default=AssignmentState.OPEN)
    end_reason: Mapped[str | None] = mapped_column(Text)  # declined, expired, cancelled, settled
    amount_minor: Mapped[Minor]  # what was counted against limits: the order's amount_to_pay
    settlement_minor: Mapped[Minor]  # the hold: A
    settlement_currency: Mapped[LongText]
    reward_minor: Mapped[Minor]  # R
    reward_id: Mapped[UUID]
    counted_on: Mapped[date]  # the operator's day it was counted on; given back to that day
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]
    order: Mapped[Order] = relationship(lazy="raise")
    requisite: Mapped[Requisite] = relationship(lazy="raise")
    trader: Mapped[Trader] = relationship(lazy="raise")

    @property
    def public_id(self) -> str:
        return ids.public("asg", self.id)

    def to_pay(self, order: Order) -> Money:
        """What its payer was told to send here; where sums are varied, each place has its own."""
        return Money(self.amount_minor, order.currency)

    @property
    def reward(self) -> Money:
        return Money(self.reward_minor, self.settlement_currency)

    @property
    def hold(self) -> Money:
        return Money(self.settlement_minor, self.settlement_currency)

    @property
    def earned(self) -> bool:
        return has_earned(self.state, self.end_reason)

    @property
    def lost(self) -> bool:
        return has_lost(self.state, self.end_reason)


def has_earned(state: str, end_reason: str | None) -> bool:
    """The money came on this very attempt."""
    return state == AssignmentState.CHOSEN or end_reason == "settled"


def has_lost(state: str, end_reason: str | None) -> bool:
    """It ended without money: what becomes of the order, and who pays it, is no longer its trader's business."""
    return state == AssignmentState.ENDED and not has_earned(state, end_reason)


class OpenPlace(Base):
    """An open or lingering assignment's place on its requisite: a row while slot and amount are taken.

    Small and hot: traders' queues read it; the unique amount keeps two payers of the same sum apart.
    """

    __tablename__ = "open_places"
    __table_args__ = (
        UniqueConstraint("requisite_id", "amount_minor", name="uq_open_places_amount"),
        Index("ix_open_places_trader_id", "trader_id"),
        Index("ix_open_places_order_id", "order_id"),
        # what is open with a bank and of a store, where that is capped
        Index("ix_open_places_bank", "bank", "currency", postgresql_include=["to_pay_minor"],
              postgresql_where=text("bank IS NOT NULL")),
        Index("ix_open_places_store", "store_id", postgresql_include=["settlement_minor"],
              postgresql_where=text("store_id IS NOT NULL")),
    )
    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignments.id"), primary_key=True)
    requisite_id: Mapped[UUID]
    trader_id: Mapped[UUID]
    order_id: Mapped[UUID]
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)  # None for a robot's: exempt from "same amount"
    # what counts against caps (`requisites/caps.py`): of live orders alone, so of a robot's no store and no bank
    store_id: Mapped[UUID | None]
    bank: Mapped[str | None] = mapped_column(Text)
    currency: Mapped[str | None] = mapped_column(Text)
    to_pay_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    settlement_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")


ByHand = Literal["frozen", "receipt_seen", "beside", "paid_twice"]
BY_HAND: tuple[ByHand, ...] = get_args(ByHand)


class AttentionCase(Base):
    """Why an order needs staff, a row for each reason (`attention_cases`); gone once that is over. The audit keeps
    what was."""

    __tablename__ = "attention_cases"
    __table_args__ = (
        PrimaryKeyConstraint("order_id", "why"),
        Index("ix_attention_cases_since", "since", "order_id", "why"),  # the desk's list, oldest first
        CheckConstraint("why IN ('unconfirmed', 'suspected', 'other_amount', 'frozen', 'receipt_seen', 'silent',"
                        " 'unsecured', 'beside', 'paid_twice')", name="why"),
    )
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    why: Mapped[LongText]
    since: Mapped[datetime]
    order: Mapped[Order] = relationship(lazy="raise")

    @property
    def by_hand(self) -> bool:
        """No step of the order ends it for certain: staff say that it is dealt with."""
        return self.why in BY_HAND


class OrderEvent(Base):
    """A step an order took; the audit row of that step and, with a payload, what webhooks tell. Never changed."""

    __tablename__ = "order_events"
    __table_args__ = (
        PrimaryKeyConstraint("id", "created_at"),
        Index("ix_order_events_order_id", "order_id", "version"),
        Index("ix_order_events_transaction", "transaction_id", postgresql_using="brin",  # what seals are made of
              postgresql_with={"pages_per_range": 16, "autosummarize": "'on'"}),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )
    id: Mapped[UUID] = mapped_column(default=ids.new_id)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    transaction_id: Mapped[int] = mapped_column(BigInteger, server_default=text("(pg_current_xact_id()::text::bigint)"))
    order_id: Mapped[UUID]
    version: Mapped[int]  # the order's after the step
    type: Mapped[LongText]  # payin.assigned
    action: Mapped[str | None] = mapped_column(Text)  # None for creation
    from_status: Mapped[str | None] = mapped_column(Text)
    to_status: Mapped[LongText]
    actor_kind: Mapped[LongText]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[LongText]
    role: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(INET)
    request_id: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)  # before and after, numbers masked
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # its public JSON of then, as `webhooks.payload` says

    @property
    def shown(self) -> str:
        """What a timeline calls it: `assigned`; `unconfirmed` where the status stayed."""
        return self.type.partition(".")[2]


class MatchTry(Base):
    """One look for a requisite: how many candidates were left after each filter, in order."""

    __tablename__ = "match_tries"
    __table_args__ = (
        PrimaryKeyConstraint("id", "created_at"),
        Index("ix_match_tries_order_id", "order_id", "created_at"),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    order_id: Mapped[UUID]
    number: Mapped[int]
    outcome: Mapped[LongText]  # assigned, or the reason that excluded most
    assignment_id: Mapped[UUID | None]
    funnel: Mapped[dict[str, Any]] = mapped_column(JSONB)  # {"all": 20, "currency": 18, …, "locked": 0}
    fell_out: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)  # candidates lost under the lock
