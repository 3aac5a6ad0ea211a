"""Users and their sessions; merchants, stores, keys; traders and shifts; holders."""
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import CIDR, INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core import clock, ids
from portal.core.columns import Id, LongText, Minor, Timestamped, words_of
from portal.core.db import Base
from portal.core.money import Money


class Merchant(Timestamped, Base):
    """A company that sells; owns stores. pending → active ⇄ suspended."""

    __tablename__ = "merchants"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'active', 'suspended')", name="status"),
        Index("ix_merchants_words", words_of("name"), postgresql_using="gin"),  # staff search
    )
    id: Mapped[Id]
    name: Mapped[LongText]
    status: Mapped[LongText] = mapped_column(default="pending")

    @property
    def public_id(self) -> str:
        return ids.public("mrc", self.id)


class Store(Timestamped, Base):
    """A merchant's shop. Its balance is kept in `settlement_currency`; clocks are its own."""

    __tablename__ = "stores"
    __table_args__ = (
        UniqueConstraint("slug"),
        Index("ix_stores_merchant_id", "merchant_id"),
        Index("ix_stores_words", words_of("name"), postgresql_using="gin"),  # staff search
        CheckConstraint("status IN ('active', 'suspended')", name="status"),
        CheckConstraint("payout_confirm IN ('store', 'window', 'at_once')", name="payout_confirm"),
        CheckConstraint("payout_alone_max_minor >= 0", name="payout_alone_max"),
        CheckConstraint("under_policy IN ('accept', 'ask', 'return')", name="under_policy"),
        CheckConstraint("vary_minor BETWEEN 0 AND 999", name="vary"),
        CheckConstraint("open_max_minor >= 0 AND disputed_max_minor >= 0", name="caps"),
    )
    id: Mapped[Id]
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("merchants.id"))
    slug: Mapped[LongText]
    name: Mapped[LongText]
    status: Mapped[LongText] = mapped_column(default="active")
    settlement_currency: Mapped[LongText]
    brand_color: Mapped[str | None] = mapped_column(Text)  # #rrggbb
    return_hosts: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    match_for_s: Mapped[int] = mapped_column(default=180)  # the matching window
    pay_for_s: Mapped[int] = mapped_column(default=900)  # assigned → expires_at
    grace_s: Mapped[int] = mapped_column(default=900)  # expires_at → the expire job
    confirm_for_s: Mapped[int] = mapped_column(default=1800)  # paid → confirm_by
    # ended without money → the payer may still have paid: until then nobody else gets that amount on that requisite
    late_for_s: Mapped[int] = mapped_column(default=86_400, server_default="86400")
    # less arrived than was ordered: settle it, ask the store, let staff have it given back
    under_policy: Mapped[LongText] = mapped_column(default="ask", server_default="ask")
    # a payin asks for up to so many minor units less, where another order of its sum has the requisite
    vary_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    reward_may_exceed_fee: Mapped[bool] = mapped_column(default=False)
    # payouts: assigned → the trader must have accepted; accepted → must have sent; paid → confirmed, by whom
    payout_accept_for_s: Mapped[int] = mapped_column(default=600, server_default="600")
    payout_pay_for_s: Mapped[int] = mapped_column(default=1800, server_default="1800")
    payout_confirm: Mapped[LongText] = mapped_column(default="window", server_default="window")
    payout_window_s: Mapped[int] = mapped_column(default=3600, server_default="3600")
    payout_tries_max: Mapped[int] = mapped_column(default=3, server_default="3")  # traders who may have it in turn
    # with its fee, in settlement currency: above it a second person of the merchant lets it go; None: nobody need
    payout_alone_max_minor: Mapped[int | None] = mapped_column(BigInteger)
    signed_payouts: Mapped[bool] = mapped_column(default=False, server_default="false")  # no payout over JSON without
    # caps of what its open and its disputed orders settle for (`requisites/caps.py`)
    open_max_minor: Mapped[int | None] = mapped_column(BigInteger)
    disputed_max_minor: Mapped[int | None] = mapped_column(BigInteger)
    data_key: Mapped[bytes] = mapped_column(LargeBinary)  # sealed with the master key
    merchant: Mapped[Merchant] = relationship(lazy="raise")
    currencies: Mapped[list["StoreCurrency"]] = relationship(lazy="raise", order_by="StoreCurrency.currency")

    @property
    def public_id(self) -> str:
        return ids.public("str", self.id)

    @property
    def payout_alone_max(self) -> Money | None:
        limit = self.payout_alone_max_minor
        return None if limit is None else Money(limit, self.settlement_currency)


class StoreCurrency(Timestamped, Base):
    """What a store takes and pays in one fiat currency. Amounts in its minor units, per order."""

    __tablename__ = "store_currencies"
    __table_args__ = (CheckConstraint("0 < min_minor AND min_minor <= max_minor", name="range"),)
    store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"), primary_key=True)
    currency: Mapped[str] = mapped_column(ForeignKey("currencies.code"), primary_key=True)
    min_minor: Mapped[Minor]
    max_minor: Mapped[Minor]
    methods: Mapped[list[str]] = mapped_column(ARRAY(Text))
    payin: Mapped[bool] = mapped_column(default=True)
    payout: Mapped[bool] = mapped_column(default=True)

    @property
    def minimum(self) -> Money:
        return Money(self.min_minor, self.currency)

    @property
    def maximum(self) -> Money:
        return Money(self.max_minor, self.currency)


class ApiKey(Timestamped, Base):
    """A store's key for the gateway. The token is shown once; `digest` is SHA-256 of the whole of it."""

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("public_id"), UniqueConstraint("replaces_id"), Index("ix_api_keys_store_id", "store_id"),
        CheckConstraint("signing_sealed IS NOT NULL OR NOT signing_required", name="signing"),
        CheckConstraint("(signing_previous_sealed IS NULL) = (signing_previous_until IS NULL)",
                        name="signing_previous"),
    )
    id: Mapped[Id]
    public_id: Mapped[LongText]  # the <id> of qk_live_<id>_<secret>, for the look-up
    store_id: Mapped[UUID] = mapped_column(ForeignKey("stores.id"))
    live: Mapped[bool]
    name: Mapped[LongText]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    networks: Mapped[list[str]] = mapped_column(ARRAY(CIDR), default=list)  # empty: from anywhere
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    last_used_address: Mapped[str | None] = mapped_column(INET)
    replaces_id: Mapped[UUID | None] = mapped_column(ForeignKey("api_keys.id"))  # rolled: made in this one's place
    # the secret that calls are signed with, sealed; the one before it counts along for a day
    signing_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    signing_previous_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    signing_previous_until: Mapped[datetime | None]
    signing_version: Mapped[int] = mapped_column(default=0, server_default="0")  # secrets it has had
    signing_required: Mapped[bool] = mapped_column(default=False, server_default="false")
    store: Mapped[Store] = relationship(lazy="raise")

    @property
    def shown_id(self) -> str:
        return ids.public("key", self.id)


class Trader(Timestamped, Base):
    """Somebody who owns requisites and does the transfers. Tier 1 is served first."""

    __tablename__ = "traders"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'active', 'suspended')", name="status"),
        CheckConstraint("open_orders >= 0", name="open_orders"),
        CheckConstraint("open_minor >= 0 AND open_max_minor >= 0 AND disputed_max_minor >= 0", name="caps"),
        Index("ix_traders_words", words_of("name"), postgresql_using="gin"),  # staff search
        {"postgresql_with": {"fillfactor": 70}},
    )
    id: Mapped[Id]
    name: Mapped[LongText]
    status: Mapped[LongText] = mapped_column(default="pending")
    robot: Mapped[bool] = mapped_column(default=False)  # takes test orders, and only these
    on_shift: Mapped[bool] = mapped_column(default=False)
    tier: Mapped[int] = mapped_column(default=1)
    settlement_currency: Mapped[LongText]
    payin: Mapped[bool] = mapped_column(default=True)
    payout: Mapped[bool] = mapped_column(default=True)
    open_orders_max: Mapped[int] = mapped_column(default=50)
    open_orders: Mapped[int] = mapped_column(default=0, server_default="0")  # kept by matching
    missed: Mapped[int] = mapped_column(default=0, server_default="0")  # orders let pass in a row: two end the shift
    # late claims whose money he has and whose collateral he has not (`disputes/late.py`): he gets and sends nothing
    unsecured: Mapped[int] = mapped_column(default=0, server_default="0")
    # caps (`requisites/caps.py`), in settlement currency; `open_minor`: what his open orders settle for, by matching
    open_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    open_max_minor: Mapped[int | None] = mapped_column(BigInteger)
    disputed_max_minor: Mapped[int | None] = mapped_column(BigInteger)
    data_key: Mapped[bytes] = mapped_column(LargeBinary)  # sealed with the master key

    @property
    def public_id(self) -> str:
        return ids.public("trd", self.id)


class Shift(Base):
    """One stretch of a trader being on shift."""

    __tablename__ = "shifts"
    __table_args__ = (Index("ix_shifts_trader_id_started_at", "trader_id", "started_at"),)
    id: Mapped[Id]
    trader_id: Mapped[UUID] = mapped_column(ForeignKey("traders.id"))
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None] = mapped_column(Text)


class Holder(Timestamped, Base):
    """The person named on requisites. Limits hold over all their requisites, of every trader. Minor units."""

    __tablename__ = "holders"
    __table_args__ = (UniqueConstraint("name_fingerprint"), {"postgresql_with": {"fillfactor": 70}})
    id: Mapped[Id]
    name_sealed: Mapped[bytes] = mapped_column(LargeBinary)  # with the master key: a holder may be several traders'
    name_fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    currency: Mapped[str | None] = mapped_column(Text)  # of the limits below
    day_max_minor: Mapped[int | None] = mapped_column(BigInteger)
    day_count_max: Mapped[int | None]
    month_max_minor: Mapped[int | None] = mapped_column(BigInteger)
    # what was used, with the day and month it counts for: no nightly reset
    day_on: Mapped[date | None]
    day_used_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    day_count: Mapped[int] = mapped_column(default=0, server_default="0")
    month_on: Mapped[date | None]
    month_used_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class User(Timestamped, Base):
    """A person who signs in. What they may do are their own permission rows."""

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("email"),
        Index("ix_users_merchant_id", "merchant_id"),
        Index("ix_users_trader_id", "trader_id"),
        Index("ix_users_email_prefix", "email", postgresql_ops={"email": "text_pattern_ops"}),  # staff search
        Index("ix_users_words", words_of("name"), postgresql_using="gin"),  # staff search
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint("(role = 'merchant') = (merchant_id IS NOT NULL)"
                        " AND (role = 'trader') = (trader_id IS NOT NULL)", name="belongs"),
        CheckConstraint("role IN ('merchant', 'trader', 'support', 'admin')", name="role"),
    )
    id: Mapped[Id]
    email: Mapped[LongText]
    name: Mapped[LongText]
    password_hash: Mapped[LongText]
    role: Mapped[LongText]
    merchant_id: Mapped[UUID | None] = mapped_column(ForeignKey("merchants.id"))
    trader_id: Mapped[UUID | None] = mapped_column(ForeignKey("traders.id"))
    active: Mapped[bool] = mapped_column(default=True)
    locale: Mapped[LongText] = mapped_column(default="en")
    time_zone: Mapped[LongText] = mapped_column(default="UTC")
    totp_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_step: Mapped[int | None] = mapped_column(BigInteger)  # of the last code that counted: none counts twice
    factor_since: Mapped[datetime | None]  # a second factor is on: an app, a passkey or both
    password_changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    # of a password that staff gave out: it opens the desk once, until then; empty for one the person chose
    one_time_until: Mapped[datetime | None]
    last_login_at: Mapped[datetime | None]
    break_glass: Mapped[bool] = mapped_column(default=False)  # for the day nobody gets in: see `break_glass`
    reviewed_at: Mapped[datetime | None]  # when somebody last looked whether these rights are needed
    reviewed_name: Mapped[str | None] = mapped_column(Text)
    permissions: Mapped[list["UserPermission"]] = relationship(lazy="selectin", cascade="all, delete-orphan")

    @property
    def public_id(self) -> str:
        return ids.public("usr", self.id)


class UserPermission(Base):
    __tablename__ = "user_permissions"
    __table_args__ = (Index("ix_user_permissions_expires_at", "expires_at",
                            postgresql_where=text("expires_at IS NOT NULL")),)  # upkeep takes away
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    permission: Mapped[str] = mapped_column(Text, primary_key=True)
    expires_at: Mapped[datetime | None]  # given for a time only


class LoginFailure(Base):
    """Wrong passwords per budget of `login_throttle.Guess` in the present window: holds without Redis."""

    __tablename__ = "login_failures"
    subject: Mapped[str] = mapped_column(Text, primary_key=True)  # address:<ip or /64>, account:<sha256>, …
    window_at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(default=0)


class UserSession(Base):
    """A signed-in browser. The database keeps SHA-256 of the token, the cookie the token."""

    __tablename__ = "user_sessions"
    __table_args__ = (UniqueConstraint("token_digest"), Index("ix_user_sessions_user_id", "user_id", "created_at"))
    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    token_digest: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    seen_at: Mapped[datetime] = mapped_column(default=clock.now)  # the idle limit counts from here
    ends_at: Mapped[datetime]  # the absolute limit
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None] = mapped_column(Text)
    factor_at: Mapped[datetime | None]  # the second factor was proved: who has one opens nothing without
    address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None] = mapped_column(Text)
    values: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    user: Mapped[User] = relationship(lazy="raise")

    @property
    def public_id(self) -> str:
        return ids.public("ses", self.id)
