"""What stores wait for of their settled payins: one row for each store and day it comes free, added to by every batch.

The money stands on the store's account `reserve`; `treasury.reserve` frees it when the day has come.
"""
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core import clock, ids
from portal.core.columns import Id, LongText, Minor
from portal.core.db import Base
from portal.core.money import Money
from portal.core.pipeline import array, queue
from portal.orders.directions import rules_of
from portal.orders.row import OrderRow
from portal.tariffs.reserve_terms import Terms


class Reserve(Base):
    """What comes free to a store on one of the operator's days, all orders together. Its id is the reference of the
    entry that frees it."""

    __tablename__ = "reserves"
    __table_args__ = (
        Index("uq_reserves_open", "store_id", "currency", "live", "free_on", unique=True,
              postgresql_where=text("released_at IS NULL")),  # one is added to; and a store's next ones
        Index("ix_reserves_due", "free_on", postgresql_where=text("released_at IS NULL")),  # the job's
        CheckConstraint("reserved_minor >= 0 AND delayed_minor >= 0 AND reserved_minor + delayed_minor > 0",
                        name="amounts"),
    )
    id: Mapped[Id]
    store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"))
    currency: Mapped[LongText]
    live: Mapped[bool]
    free_on: Mapped[date]
    reserved_minor: Mapped[Minor]  # the rolling reserve's share
    delayed_minor: Mapped[Minor]  # what is only late
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    released_at: Mapped[datetime | None]

    @property
    def reserved(self) -> Money:
        return Money(self.reserved_minor, self.currency)

    @property
    def delayed(self) -> Money:
        return Money(self.delayed_minor, self.currency)

    @property
    def amount(self) -> Money:
        return self.reserved + self.delayed


# A row that was freed a moment ago is not added to: another one is begun for the same day.
ADD = """
    INSERT INTO reserves (id, store_id, currency, live, free_on, reserved_minor, delayed_minor, created_at)
    SELECT * FROM unnest(CAST(%(ids)s AS uuid[]), CAST(%(stores)s AS uuid[]), CAST(%(currencies)s AS text[]),
                         CAST(%(lives)s AS bool[]), CAST(%(days)s AS date[]), CAST(%(reserved)s AS bigint[]),
                         CAST(%(delayed)s AS bigint[])), (VALUES (CAST(%(now)s AS timestamptz))) AS moment (now)
    ON CONFLICT (store_id, currency, live, free_on) WHERE released_at IS NULL
    DO UPDATE SET reserved_minor = reserves.reserved_minor + excluded.reserved_minor,
                  delayed_minor = reserves.delayed_minor + excluded.delayed_minor"""


class Kept(NamedTuple):
    """What one order's store waits for, and how long."""

    order: OrderRow
    reserved: Money
    delayed: Money
    terms: Terms

    @property
    def amount(self) -> Money:
        return self.reserved + self.delayed


def kept(order: OrderRow, terms: Terms) -> Kept:
    """By the final amounts of an order that is being settled; nothing where the store's money goes."""
    nothing = Money.zero(order.settlement_currency)
    parts = terms.kept_of(order.net) if rules_of(order).flow > 0 else (nothing, nothing)
    return Kept(order, *parts, terms)


def note(session: Session, waiting: Iterable[Kept]) -> None:
    """Of a batch that was posted in this transaction; the balances are locked, so no release is under way."""
    today, sums = clock.today(), dict[tuple[str, str, bool, date], list[int]]()
    for one in waiting:
        parts = ((0, one.reserved, one.terms.reserve_days), (1, one.delayed, one.terms.delay_days))
        for place, amount, days in parts:
            if amount:
                key = (str(one.order.store_id), amount.currency, one.order.live, today + timedelta(days=days))
                sums.setdefault(key, [0, 0])[place] += amount.minor
    if not sums:
        return
    rows = sorted(sums.items())
    queue(session, ADD, {
        "ids": array(ids.new_id() for _ in rows), "stores": [key[0] for key, _ in rows],
        "currencies": [key[1] for key, _ in rows], "lives": array(key[2] for key, _ in rows),
        "days": [key[3] for key, _ in rows], "reserved": array(parts[0] for _, parts in rows),
        "delayed": array(parts[1] for _, parts in rows), "now": clock.now()})
