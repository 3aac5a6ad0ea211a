"""The columns of an order, written once: the table, its rows and the public JSON read them from here."""
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, Numeric, Text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock, ids
from portal.core.columns import Id, LongText, Minor
from portal.core.money import Money
from portal.orders.states import Direction, Status

PREFIXES = {Direction.PAYIN: "pin", Direction.PAYOUT: "pout"}
RECEIPTS_ON = "assignment"  # what the receipts of its trader are attached to
PAYERS_RECEIPTS_ON = "order"  # those of its payer or its store
MOVES = {"moves": True}
"""Marks a column that a step may change; the others are frozen at creation (see `row`)."""


class OrderFacts:
    """The columns of an order and what follows from them: of `Order`, an object of a session, and of `row.OrderRow`.

    Amounts in minor units; rate, tariff and fee frozen at creation. The `final_…` amounts are what is settled: set when
    the receiver's side has confirmed, from the amount that came in. Deadlines are stored, never computed on reading.
    """

    id: Mapped[Id]
    direction: Mapped[LongText]
    live: Mapped[bool]
    store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"))
    external_id: Mapped[LongText]
    idempotency_key: Mapped[LongText]
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)  # SHA-256 of the canonical JSON
    status: Mapped[LongText] = mapped_column(default=Status.NEW, info=MOVES)
    version: Mapped[int] = mapped_column(default=1, info=MOVES)
    # what was asked
    currency: Mapped[LongText]
    amount_minor: Mapped[Minor]
    amount_to_pay_minor: Mapped[Minor] = mapped_column(info=MOVES)
    amount_received_minor: Mapped[int | None] = mapped_column(BigInteger, info=MOVES)
    exactness: Mapped[str | None] = mapped_column(Text, info=MOVES)  # exact, under, over
    late: Mapped[bool] = mapped_column(default=False, info=MOVES)
    method: Mapped[str] = mapped_column(Text)
    bank: Mapped[str | None] = mapped_column(Text)
    customer_id: Mapped[str | None] = mapped_column(Text)
    customer_name: Mapped[str | None] = mapped_column(Text)
    customer_ip: Mapped[str | None] = mapped_column(INET)
    description: Mapped[str | None] = mapped_column(Text)
    return_url: Mapped[str | None] = mapped_column(Text)
    meta: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    # a payout's recipient (see `destinations`): sealed, as it is shown, and as it is known again
    destination_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    destination_mask: Mapped[str | None] = mapped_column(Text)
    destination_fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    recipient_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    # what it comes to in the settlement currency
    settlement_currency: Mapped[LongText]
    settlement_minor: Mapped[Minor]
    fee_minor: Mapped[Minor]
    rate: Mapped[Decimal] = mapped_column(Numeric(30, 12))
    rate_at: Mapped[datetime]
    rate_id: Mapped[UUID]
    tariff_id: Mapped[UUID]
    final_settlement_minor: Mapped[int | None] = mapped_column(BigInteger, info=MOVES)
    final_fee_minor: Mapped[int | None] = mapped_column(BigInteger, info=MOVES)
    final_reward_minor: Mapped[int | None] = mapped_column(BigInteger, info=MOVES)
    # clocks
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    match_by: Mapped[datetime] = mapped_column(info=MOVES)
    judged_at: Mapped[datetime | None] = mapped_column(info=MOVES)  # by risk, before its first match
    next_attempt_at: Mapped[datetime | None] = mapped_column(info=MOVES)
    assigned_at: Mapped[datetime | None] = mapped_column(info=MOVES)
    accepted_at: Mapped[datetime | None] = mapped_column(info=MOVES)  # by a payout's trader, who sees its recipient now
    expires_at: Mapped[datetime | None] = mapped_column(info=MOVES)
    paid_at: Mapped[datetime | None] = mapped_column(info=MOVES)
    confirm_by: Mapped[datetime | None] = mapped_column(info=MOVES)
    needs_attention_at: Mapped[datetime | None] = mapped_column(info=MOVES)
    waits_for: Mapped[str | None] = mapped_column(Text, info=MOVES)  # store, staff: whose word it waits for
    confirmed_at: Mapped[datetime | None] = mapped_column(info=MOVES)
    completed_at: Mapped[datetime | None] = mapped_column(info=MOVES)
    ended_at: Mapped[datetime | None] = mapped_column(info=MOVES)
    failure_code: Mapped[str | None] = mapped_column(Text, info=MOVES)
    # the open or chosen assignment's, for lists; None between assignments
    assignment_id: Mapped[UUID | None] = mapped_column(info=MOVES)
    tries: Mapped[int] = mapped_column(default=0, info=MOVES)  # full matching tries in this window
    # [type, at] of the steps that the store is told, so that no list or webhook has to read the events
    steps: Mapped[list[list[str]]] = mapped_column(JSONB, default=list, info=MOVES)

    @property
    def public_id(self) -> str:
        return ids.public(PREFIXES[Direction(self.direction)], self.id)

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)

    @property
    def amount_to_pay(self) -> Money:
        return Money(self.amount_to_pay_minor, self.currency)

    @property
    def is_varied(self) -> bool:
        """Its payer is asked for a little less than was ordered, so that sums are told apart."""
        return self.amount_to_pay_minor != self.amount_minor

    @property
    def amount_received(self) -> Money | None:
        return None if self.amount_received_minor is None else Money(self.amount_received_minor, self.currency)

    @property
    def settlement(self) -> Money:
        """What moves at settlement, in settlement currency: A of the accounting manual (`ledger/entries.py`)."""
        minor = self.final_settlement_minor
        return Money(self.settlement_minor if minor is None else minor, self.settlement_currency)

    @property
    def fee(self) -> Money:
        """The desk's fee, in settlement currency: F of the accounting manual (`ledger/entries.py`)."""
        minor = self.final_fee_minor
        return Money(self.fee_minor if minor is None else minor, self.settlement_currency)

    @property
    def final_reward(self) -> Money | None:
        """What its trader earned by it, once it is confirmed: R of the accounting manual (`ledger/entries.py`)."""
        return None if self.final_reward_minor is None else Money(self.final_reward_minor, self.settlement_currency)

    @property
    def spared(self) -> Money:
        """Of what was held for a payout, where it was settled on less: A and F as they were frozen, less the final."""
        return Money(self.settlement_minor + self.fee_minor, self.settlement_currency) - self.total

    @property
    def net(self) -> Money:
        """What the store gets of a payin."""
        return self.settlement - self.fee

    @property
    def total(self) -> Money:
        """What a payout costs its store."""
        return self.settlement + self.fee

    @property
    def ended(self) -> bool:
        return self.ended_at is not None
