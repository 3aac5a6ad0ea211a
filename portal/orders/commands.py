"""What can be asked of an order: shapes, types and ranges. What must hold between records is the service's."""
import re
from collections.abc import Collection
from functools import lru_cache
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError

from portal.core import addresses, names
from portal.core.commands import Command
from portal.core.money import AMOUNT_MAX, EXPONENTS, BadAmount, Money
from portal.orders.states import Direction

TEXT_MAX = 255
LOOPBACK = ("127.0.0.1", "localhost")
METADATA_MAX = 20
METADATA_KEY = re.compile(r"[A-Za-z0-9_.-]{1,40}", re.ASCII)
CONTROL = re.compile(r"[\x00-\x1f\x7f]")

WRITTEN = {"pattern": r"^[^\x00]*$"}  # PostgreSQL keeps no U+0000; every reader of JSON and of forms refuses it
PLAIN_ID = {"format": "plain-id"}  # no blanks at its ends, nothing unseen, no look-alikes: no pattern says that
IP = {"anyOf": [{"type": "string", "format": "ipv4"}, {"type": "string", "format": "ipv6"}, {"type": "null"}]}
Text = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_MAX)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")]
Description = Annotated[str, StringConstraints(min_length=1, max_length=500), Field(json_schema_extra=WRITTEN)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]


@lru_cache(256)
def place_of(url: str) -> tuple[str, int, bool] | None:
    """Where a plain http(s) address leads: host, port, whether that is the scheme's own port; None: it is none.

    A store sends the same few again and again.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.username is None
    except ValueError:
        return None
    if not usable or CONTROL.search(url) or "\\" in url or not url.isascii():
        return None
    try:
        usual = 443 if parts.scheme == "https" else 80
        port = parts.port if parts.port is not None else usual
    except ValueError:
        return None
    return (parts.hostname, port, port == usual) if parts.hostname and port else None


def leads_to(url: str, hosts: Collection[str]) -> bool:
    """To one of a store's hosts, at the port of its scheme unless another is listed: what else answers there is not
    the shop. A payer's own machine, where a shop is tried out, at any."""
    if (place := place_of(url)) is None:
        return False
    host, port, usual = place
    return (host in hosts and (usual or host in LOOPBACK)) or f"{host}:{port}" in hosts


def external_id(value: str) -> str:
    return _plain_id(value, "invalid_external_id")


def _customer_id(value: str) -> str:
    return _plain_id(value, "invalid_customer_id")


def _plain_id(value: str, code: Literal["invalid_external_id", "invalid_customer_id"]) -> str:
    try:
        return names.plain_id(value)
    except PydanticCustomError as error:
        raise PydanticCustomError(code, error.message_template) from None


def _customer_name(value: str) -> str | None:
    """Typed by the customer somewhere: no order is refused for it, yet nothing unseen reaches the trader."""
    return names.tidy(names.without_unseen(value)) or None


Name = Annotated[Text, AfterValidator(_customer_name), Field(json_schema_extra=WRITTEN)]


class Customer(Command):
    """Who pays, as the store knows them. `ip` is text of an address, v4 or v6, as a server or a proxy writes it."""

    id: Annotated[Text, Field(json_schema_extra=PLAIN_ID), AfterValidator(_customer_id)] | None = None
    name: Name | None = None
    ip: Annotated[Annotated[str, StringConstraints(max_length=addresses.LONGEST)] | None, WithJsonSchema(IP)] = None

    @field_validator("ip")
    @classmethod
    def _ip(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if (kept := addresses.written(value)) is None:
            raise PydanticCustomError("invalid_ip", "This is no IP address.")
        return kept


class CreateOrder(Command):
    """What payins and payouts have in common."""

    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{3,10}$")]
    amount: str = Field(max_length=40, examples=["1500.00"])
    external_id: Annotated[Text, Field(json_schema_extra=PLAIN_ID), AfterValidator(external_id)]
    customer: Customer | None = None
    description: Description | None = None
    metadata: dict[str, Annotated[str, StringConstraints(max_length=500), Field(json_schema_extra=WRITTEN)]] = Field(
        default_factory=dict, json_schema_extra={"maxProperties": METADATA_MAX, "propertyNames": {
            "pattern": f"^{METADATA_KEY.pattern}$"}})

    @field_validator("currency")
    @classmethod
    def _currency(cls, value: str) -> str:
        if value not in EXPONENTS:
            raise PydanticCustomError("unknown_currency", "The desk does not know this currency.")
        return value

    @field_validator("amount")
    @classmethod
    def _amount(cls, value: str, info: ValidationInfo) -> str:
        if currency := info.data.get("currency"):
            _positive(value, currency)
        return value

    @field_validator("metadata")
    @classmethod
    def _metadata(cls, value: dict[str, str]) -> dict[str, str]:
        if len(value) > METADATA_MAX or not all(METADATA_KEY.fullmatch(key) for key in value):
            raise PydanticCustomError(
                "invalid_metadata", "At most 20 entries, whose names are letters, digits, dot, dash or underscore.")
        return dict(sorted(value.items()))

    @property
    def money(self) -> Money:
        return Money.parse(self.amount, self.currency)


class CreatePayin(CreateOrder):
    """Take `amount` from a customer. `method` may be left out where the store has one only."""

    direction: ClassVar[Direction] = Direction.PAYIN
    method: Code | None = None
    bank: Code | None = None
    return_url: Annotated[str, StringConstraints(max_length=2000)] | None = None

    @field_validator("return_url")
    @classmethod
    def _return_url(cls, value: str | None) -> str | None:
        if value is not None and place_of(value) is None:
            raise PydanticCustomError("invalid_url", "This must be an http(s) address.")
        return value


class Destination(Command):
    """Whom a payout is for: `number` as the method has it (card, phone, account), `holder` the person named on it."""

    method: Code
    number: Annotated[str, StringConstraints(min_length=4, max_length=64)]
    bank: Code | None = None
    holder: Name | None = None


class CreatePayout(CreateOrder):
    """Send `amount` to `destination`, out of the store's balance."""

    direction: ClassVar[Direction] = Direction.PAYOUT
    destination: Destination

    @property
    def method(self) -> str:
        return self.destination.method

    @property
    def bank(self) -> str | None:
        return self.destination.bank

    @property
    def return_url(self) -> None:
        """Nobody is sent anywhere: its recipient sees no page."""
        return None


class OrderCommand(Command):
    """`order_id` as the gateway shows it: pin_…, pout_…"""

    order_id: str = Field(max_length=60)


class CancelOrder(OrderCommand):
    reason: Reason | None = None


class ConfirmPayout(OrderCommand):
    """The recipient has the money."""

    reason: Reason | None = None


class MarkPaid(OrderCommand):
    """The sender says the money is sent."""


class ConfirmOrder(OrderCommand):
    """The receiver's side has `received`, an amount as people type it, on this very assignment.

    `differs`: and that it is not what was to be paid, is meant.
    """

    assignment_id: str = Field(max_length=60)
    received: str = Field(max_length=60)
    differs: bool = False
    reason: Reason | None = None


class AcceptPayout(OrderCommand):
    """Its trader takes it on, and is shown whom to pay. `assignment_id`: the one the form was made for."""

    assignment_id: str = Field(max_length=60)


class PayPayout(OrderCommand):
    """Its trader has sent the money. `receipts`: ids of the files that show it, uploaded before."""

    assignment_id: str = Field(max_length=60)
    receipts: tuple[Annotated[str, Field(max_length=60)], ...] = Field(min_length=1, max_length=5)


class DeclineOrder(OrderCommand):
    """Its trader gives the order back. `assignment_id`: the one the form was made for; he may have two of one order.
    `why` is counted on by staff, `reason` is what he adds in his own words."""

    why: Literal["bank", "account", "away", "doubt", "other"]
    assignment_id: Annotated[str, Field(max_length=60)] | None = None
    reason: Reason | None = None


def _positive(text: str, currency: str) -> Money:
    """Raises BadAmount, whose sentence is translated where people read it."""
    money = Money.parse(text, currency)
    if not money:
        raise BadAmount("The amount must be more than zero.")
    if money.minor > AMOUNT_MAX:
        raise BadAmount("The amount is too large.")
    return money
