"""What can be asked for about people, companies and keys."""
import re
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from portal.core.commands import Command
from portal.core.money import AMOUNT_MAX
from portal.core.names import Email, Name, email_sought

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,39}$")]
CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{3,8}$")]
Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$", to_lower=True)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Locale = Literal["en", "ru"]


class SignIn(Command):
    email: Annotated[str, StringConstraints(min_length=1, max_length=254), AfterValidator(email_sought)]
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
    max_minor: Annotated[int, Field(gt=0, le=AMOUNT_MAX)]
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
    brand_color: Color | None = None


class MoveStore(Command):
    store_id: UUID
    status: Literal["active", "suspended"]
    reason: Reason


class CreateTrader(Command):
    name: Name
    settlement_currency: CurrencyCode
    tier: Annotated[int, Field(ge=1, le=9)] = 1
    open_orders_max: Annotated[int, Field(ge=1, le=10_000)] = 50


class SetTrader(Command):
    """What matching asks of a trader. `seen`: what `trader_setup.seen` gave for what the form showed."""

    trader_id: UUID
    tier: Annotated[int, Field(ge=1, le=9)]
    open_orders_max: Annotated[int, Field(ge=1, le=10_000)]
    payin: bool = False
    payout: bool = False
    reason: Reason
    seen: str | None = None


class MoveTrader(Command):
    trader_id: UUID
    status: Literal["active", "suspended"]
    reason: Reason


class CreateKey(Command):
    """`networks`: from where it may be used; empty is anywhere. Ends at `expires_at`, after `lives_days`, or never."""

    store_id: UUID
    live: bool
    name: Name
    scopes: tuple[str, ...] = Field(min_length=1)
    networks: tuple[str, ...] = Field((), max_length=50)
    expires_at: datetime | None = None
    lives_days: Annotated[int, Field(ge=1, le=3650)] | None = None


class RevokeKey(Command):
    key_id: UUID
    reason: Reason = "revoked"


class RenameKey(Command):
    key_id: UUID
    name: Name


class RollKey(Command):
    """`overlap_hours`: how long the old one still opens what it did."""

    key_id: UUID
    overlap_hours: Annotated[int, Field(ge=0, le=168)] = 24


class MakeSigningSecret(Command):
    """`seen`: how many it had when the form was shown."""

    key_id: UUID
    seen: Annotated[int, Field(ge=0, le=1_000_000)]


class RequireSigning(Command):
    key_id: UUID
    required: bool


class RequireSignedPayouts(Command):
    store_id: UUID
    required: bool


class InviteUser(Command):
    """A new person, by staff: gets a password for one sign-in; what `template` grants waits for a second person."""

    email: Email
    name: Name
    template: str
    merchant_id: UUID | None = None
    trader_id: UUID | None = None
    locale: Locale = "en"
    time_zone: str = "UTC"
    reason: Reason


class SetPermissions(Command):
    """The whole set a user is to hold. Less holds at once, more waits for a second person, perhaps for some days."""

    user_id: UUID
    permissions: tuple[str, ...] = Field((), max_length=200)
    days: Annotated[int, Field(ge=1, le=366)] | None = None  # for which what is given holds; None: until taken away
    reason: Reason


class MoveUser(Command):
    """End sessions, give out a password, disable or enable; which one is the service's name."""

    user_id: UUID
    reason: Reason


class SetPerson(Command):
    """Another name or address to sign in with, by staff."""

    user_id: UUID
    name: Name
    email: Email
    reason: Reason


class AskOnboarding(Command):
    """A merchant or trader that waits is to be set going."""

    party: Literal["merchant", "trader"]
    party_id: UUID
    reason: Reason


class EndShift(Command):
    trader_id: UUID
    reason: Reason


PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.ASCII)


def _host(text: str) -> str:
    host, colon, port = text.lower().partition(":")
    if not HOST.fullmatch(host) or (colon and not (PORT.fullmatch(port) and int(port) < 65_536)):
        raise ValueError("This is not the name of a host, as in shop.example.")
    return text.lower()


class SetStore(Command):
    """A store's name and colour, clocks in seconds, and the hosts its customers may be sent back to."""

    store_id: UUID
    name: Name
    brand_color: Color | None = None
    match_for_s: Annotated[int, Field(ge=30, le=3600)]
    pay_for_s: Annotated[int, Field(ge=120, le=86_400)]
    grace_s: Annotated[int, Field(ge=0, le=86_400)]
    confirm_for_s: Annotated[int, Field(ge=60, le=86_400)]
    late_for_s: Annotated[int, Field(ge=0, le=604_800)]
    under_policy: Literal["accept", "ask", "return"] = "ask"
    vary_minor: Annotated[int, Field(ge=0, le=999)] = 0
    return_hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = Field((), max_length=50)
