"""What can be asked for about people, companies and keys."""
import re
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from portal.core.commands import Command

EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,190}", re.ASCII)
Name = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,39}$")]
CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{3,8}$")]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Locale = Literal["en", "ru"]


def _email(text: str) -> str:
    if not EMAIL.fullmatch(text):
        raise ValueError("This is not an e-mail address.")
    return text.lower()


Email = Annotated[str, AfterValidator(_email)]


class SignIn(Command):
    email: Annotated[str, StringConstraints(min_length=1, max_length=254, to_lower=True)]
    password: SecretStr
    code: str | None = Field(None, max_length=12)
    next: str | None = Field(None, max_length=2000)


class CreateUser(Command):
    """`template` names one of `TEMPLATES`; it fills in the user's own permissions."""

    email: Email
    name: Name
    password: SecretStr
    template: str
    merchant_id: UUID | None = None
    trader_id: UUID | None = None
    locale: Locale = "en"
    time_zone: str = "UTC"


class DisableUser(Command):
    user_id: UUID
    reason: Reason


class SetPassword(Command):
    """A person's own."""

    current: SecretStr
    password: SecretStr


class CreateMerchant(Command):
    name: Name


class MoveMerchant(Command):
    merchant_id: UUID
    status: Literal["active", "suspended"]
    reason: Reason


class StoreTerms(Command):
    """What a store takes in one currency: minor units of it, per order."""

    currency: CurrencyCode
    min_minor: Annotated[int, Field(gt=0)]
    max_minor: Annotated[int, Field(gt=0, lt=10**15)]
    methods: tuple[str, ...] = Field(min_length=1)
    payin: bool = True
    payout: bool = True


class CreateStore(Command):
    merchant_id: UUID
    slug: Slug
    name: Name
    settlement_currency: CurrencyCode
    currencies: tuple[StoreTerms, ...] = ()
    return_hosts: tuple[str, ...] = ()
    brand_color: Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")] | None = None


class MoveStore(Command):
    store_id: UUID
    status: Literal["active", "suspended"]
    reason: Reason


class CreateTrader(Command):
    name: Name
    settlement_currency: CurrencyCode
    tier: Annotated[int, Field(ge=1, le=9)] = 1
    open_orders_max: Annotated[int, Field(ge=1, le=10_000)] = 50


class MoveTrader(Command):
    trader_id: UUID
    status: Literal["active", "suspended"]
    reason: Reason


class CreateKey(Command):
    """`networks`: from where it may be used; empty is anywhere."""

    store_id: UUID
    live: bool
    name: Name
    scopes: tuple[str, ...] = Field(min_length=1)
    networks: tuple[str, ...] = Field((), max_length=50)
    expires_at: datetime | None = None


class RevokeKey(Command):
    key_id: UUID
    reason: Reason = "revoked"


class RenameKey(Command):
    key_id: UUID
    name: Name
