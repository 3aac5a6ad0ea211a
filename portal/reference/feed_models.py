"""Where rates come from by themselves: a feed for a pair, and the addresses it asks."""
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core import clock, ids
from portal.core.columns import Id, LongText, Timestamped
from portal.core.db import Base


class RateFeed(Timestamped, Base):
    """Every `interval_s` the median of what its sources say, plus the spread, becomes the pair's rate.

    A source further from the median than `outlier_bps` is left out; fewer than `sources_min` that agree make no rate;
    one further than `jump_bps` from the last rate is held until staff let it through, and the last one ages meanwhile.
    """

    __tablename__ = "rate_feeds"
    __table_args__ = (
        UniqueConstraint("base", "quote", name="uq_rate_feeds_pair"),
        Index("ix_rate_feeds_due", "next_at", postgresql_where=text("active")),  # whose turn it is
        CheckConstraint("base <> quote", name="two_currencies"),
        CheckConstraint("interval_s BETWEEN 10 AND 86400", name="interval"),
        CheckConstraint("spread_bps BETWEEN -2000 AND 2000", name="spread"),
        CheckConstraint("sources_min BETWEEN 1 AND 5", name="sources"),
        CheckConstraint("held_rate IS NULL OR (held_rate > 0 AND held_rate < 'Infinity'::numeric)", name="held"),
    )
    id: Mapped[Id]
    base: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    quote: Mapped[str] = mapped_column(ForeignKey("currencies.code"))
    interval_s: Mapped[int]
    spread_bps: Mapped[int]  # hundredths of a percent, added to the median; below zero: taken off
    outlier_bps: Mapped[int]
    jump_bps: Mapped[int]
    sources_min: Mapped[int]
    active: Mapped[bool] = mapped_column(default=True)
    next_at: Mapped[datetime] = mapped_column(default=clock.now)
    tried_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)  # why the last try made no rate; stable words
    held_rate: Mapped[Decimal | None] = mapped_column(Numeric(30, 12))  # jumped: waits for staff
    sources: Mapped[list["RateSource"]] = relationship(order_by="RateSource.id", lazy="selectin")

    @property
    def public_id(self) -> str:
        return ids.public("fed", self.id)

    @property
    def pair(self) -> str:
        return f"{self.base}/{self.quote}"


class RateSource(Timestamped, Base):
    """An address that answers JSON, and where in it the number stands (RFC 6901). `inverted`: base for one quote."""

    __tablename__ = "rate_sources"
    __table_args__ = (UniqueConstraint("feed_id", "url", "pointer", name="uq_rate_sources_place"),)
    id: Mapped[Id]
    feed_id: Mapped[UUID] = mapped_column(ForeignKey("rate_feeds.id"))
    url: Mapped[LongText]
    pointer: Mapped[LongText]
    inverted: Mapped[bool] = mapped_column(default=False)
    value: Mapped[Decimal | None] = mapped_column(Numeric(30, 12))  # what it said last, the way the feed reads
    answered_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)  # of the last try: timeout, no_number, outlier, …

    @property
    def public_id(self) -> str:
        return ids.public("src", self.id)
