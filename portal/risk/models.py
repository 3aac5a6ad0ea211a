"""Rules and lists as staff edit them, what is counted for them, and what they found."""
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Numeric, Text, text
from sqlalchemy.dialects.postgresql import CIDR, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock, ids
from portal.core.columns import Id, LongText, Timestamped
from portal.core.db import Base


class RiskRule(Timestamped, Base):
    """One rule. `mode`: off, shadow (it is noted and decides nothing) or on."""

    __tablename__ = "risk_rules"
    __table_args__ = (
        CheckConstraint("verdict IN ('allow', 'review', 'deny')", name="verdict"),
        CheckConstraint("mode IN ('off', 'shadow', 'on', 'archived')", name="mode"),
        CheckConstraint("direction IN ('payin', 'payout')", name="direction"),
        CheckConstraint("score BETWEEN 0 AND 100", name="score"),
    )
    id: Mapped[Id]
    name: Mapped[LongText]
    kind: Mapped[LongText]
    verdict: Mapped[LongText]
    score: Mapped[int]  # points, added to those of the others that fire
    mode: Mapped[LongText] = mapped_column(default="off")
    direction: Mapped[str | None] = mapped_column(Text)  # None: both
    store_id: Mapped[UUID | None]  # None: every store's
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB)
    changed_name: Mapped[LongText]
    mode_since: Mapped[datetime] = mapped_column(default=clock.now)

    @property
    def public_id(self) -> str:
        return ids.public("rsk", self.id)


class RiskEntry(Base):
    """One entry of a list: a network, a customer, a destination or a person's name.

    Of a class: the customer is judged as one with so many `completed` orders (decision 0238).
    """

    __tablename__ = "risk_entries"
    __table_args__ = (
        Index("ix_risk_entries_network", "network", postgresql_using="gist",  # the networks an address lies in
              postgresql_ops={"network": "inet_ops"},
              postgresql_where=text("removed_at IS NULL AND network IS NOT NULL")),
        Index("ix_risk_entries_created_at", "created_at", "id"),  # the page, newest first
        CheckConstraint("verdict IN ('allow', 'deny', 'class')", name="verdict"),
        CheckConstraint("(verdict = 'class') = (completed IS NOT NULL) AND (verdict <> 'class' OR kind = 'customer')",
                        name="class"),
        CheckConstraint("kind IN ('network', 'customer', 'destination', 'holder')", name="kind"),
        CheckConstraint("(kind = 'network') = (network IS NOT NULL)", name="value"),
        CheckConstraint("(network IS NULL) = (value_sealed IS NOT NULL)", name="sealed"),
        CheckConstraint("(removed_at IS NULL) = (removed_name IS NULL)", name="removed"),
    )
    id: Mapped[Id]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    verdict: Mapped[LongText]
    kind: Mapped[LongText]
    shown: Mapped[LongText]  # as people read it; a number masked
    network: Mapped[str | None] = mapped_column(CIDR)
    value_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # what its prints are of, to make them anew
    store_id: Mapped[UUID | None]  # of a customer; None: every store's
    completed: Mapped[int | None]  # of a class: 0 is a new customer, more is at least so many completed orders
    reason: Mapped[LongText]
    expires_at: Mapped[datetime | None]
    waits: Mapped[bool] = mapped_column(default=False)  # for a second person: it does not hold yet
    added_by: Mapped[UUID | None]
    added_name: Mapped[LongText]
    removed_at: Mapped[datetime | None]
    removed_name: Mapped[str | None] = mapped_column(Text)

    @property
    def public_id(self) -> str:
        return ids.public("rse", self.id)

    @property
    def loosens(self) -> bool:
        """More passes while it holds than without it: two agree to adding it, one takes it away."""
        return self.verdict == "allow" or bool(self.completed)

    @property
    def holds(self) -> bool:
        return self.removed_at is None and not self.waits and (
            self.expires_at is None or self.expires_at > clock.now())


class RiskPrint(Base):
    """How an entry that is no network is compared: a keyed print of each spelling of a customer, a number, a name."""

    __tablename__ = "risk_prints"
    print: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("risk_entries.id"), primary_key=True)


class RiskCounter(Base):
    """Orders of one customer, address, … in one minute or hour: kept while a rule may ask for it, then swept."""

    __tablename__ = "risk_counters"
    __table_args__ = (
        Index("ix_risk_counters_until", "until"),  # the sweep
        {"postgresql_with": {"fillfactor": 80}},
    )
    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)  # a digest of whose, which mode, which grain
    bucket: Mapped[datetime] = mapped_column(primary_key=True)
    currency: Mapped[LongText] = mapped_column(primary_key=True)
    count: Mapped[int]
    minor: Mapped[Decimal] = mapped_column(Numeric(30))
    until: Mapped[datetime]


class RiskHit(Base):
    """A rule or an entry that fired on an order at a moment."""

    __tablename__ = "risk_hits"
    __table_args__ = (
        Index("ix_risk_hits_order", "order_id", "created_at"),  # its page; what was pardoned
        Index("ix_risk_hits_source", "source_id", "created_at"),  # what a rule has done lately
    )
    id: Mapped[Id]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    order_id: Mapped[UUID]
    source_id: Mapped[UUID]  # the rule or the entry
    moment: Mapped[LongText]
    name: Mapped[LongText]
    kind: Mapped[LongText]
    verdict: Mapped[LongText]
    score: Mapped[int]
    shadow: Mapped[bool]
    beaten: Mapped[bool]
    what: Mapped[dict[str, Any]] = mapped_column(JSONB)


class RiskReview(Base):
    """An order that waits for a person's decision before it is matched, or waited for one."""

    __tablename__ = "risk_reviews"
    __table_args__ = (
        Index("ix_risk_reviews_open", "opened_at", postgresql_where=text("decided_at IS NULL")),  # the queue
        CheckConstraint("decision IN ('release', 'refuse', 'ended')", name="decision"),
        CheckConstraint("(decided_at IS NULL) = (decision IS NULL)", name="decided"),
    )
    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    opened_at: Mapped[datetime] = mapped_column(default=clock.now)
    score: Mapped[int]
    decision: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None]
    decided_name: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)


class RiskReplay(Base):
    """A rule put to past orders: what it would have done, had it been on."""

    __tablename__ = "risk_replays"
    __table_args__ = (Index("ix_risk_replays_rule_id", "rule_id", "created_at"),)
    id: Mapped[Id]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    asked_name: Mapped[LongText]
    rule_id: Mapped[UUID] = mapped_column(ForeignKey("risk_rules.id"))
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB)  # as they were when it was asked for
    days: Mapped[int]
    done_at: Mapped[datetime | None]
    looked: Mapped[int] = mapped_column(BigInteger, default=0)
    since: Mapped[datetime | None]  # the oldest order that was looked at
    found: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)  # what became of those it would have stopped

    @property
    def public_id(self) -> str:
        return ids.public("rpl", self.id)
