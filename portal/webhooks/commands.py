"""What a store's people and programs can ask of webhooks.

A command with an address in it exists only if that address is one the desk would call, as far as its text says: where
a name leads is looked up and judged by the sender, each time.
"""
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError

from portal.core.commands import Command
from portal.core.outbound import addresses
from portal.webhooks.event_types import ALL_TYPES, TYPES


def _callable(url: str) -> str:
    try:
        addresses.guard().check(url)
    except addresses.Refused as refused:
        told = {"message": refused.message, "code": refused.code}
        raise PydanticCustomError("refused_url", "{message}", told) from None
    return url


def _known(types: list[str]) -> list[str]:
    if ALL_TYPES in types and len(types) > 1:
        raise PydanticCustomError("unknown_event_type", 'Choose either ["*"] or single types.')
    if not set(types) <= {ALL_TYPES, *TYPES}:
        raise PydanticCustomError("unknown_event_type", "There is no event of this type.")
    return list(dict.fromkeys(types))


_SINGLE_TYPES = {"type": "array", "items": {"type": "string", "enum": [*TYPES]}, "minItems": 1, "maxItems": len(TYPES)}
Url = Annotated[str, Field(max_length=addresses.URL_MAX, json_schema_extra={"pattern": addresses.PATTERN}),
                AfterValidator(_callable)]
Types = Annotated[list[str], Field(min_length=1, max_length=len(TYPES)), AfterValidator(_known),
                  WithJsonSchema({"anyOf": [_SINGLE_TYPES, {"type": "array", "const": [ALL_TYPES]}]})]
Description = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")]


class CreateEndpoint(Command):
    """Tell this address of these events; `["*"]` for all of them. An `inbox` is kept by the desk, for test orders, and
    has no address of the store's."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [
        {"properties": {"kind": {"const": "url"}, "url": {"type": "string"}}, "required": ["url"]},
        {"properties": {"kind": {"const": "inbox"}, "url": {"type": "null"}}, "required": ["kind"]}]})
    kind: Literal["url", "inbox"] = "url"
    url: Annotated[Url | None, Field(validate_default=True)] = None
    events: Types
    description: Description | None = None

    @field_validator("url")
    @classmethod
    def _has_an_address(cls, value: str | None, info: ValidationInfo) -> str | None:
        if (value is None) == (info.data.get("kind") == "url"):
            raise PydanticCustomError("url_or_inbox", "Name an address, or ask for an inbox, which has none.")
        return value


class ChangeEndpoint(Command):
    """What is left out stays as it is. `active` true turns a disabled endpoint on again."""

    endpoint_id: str
    url: Url | None = None
    events: Types | None = None
    description: Description | None = None
    active: bool | None = None


class RotateSecret(Command):
    """A new secret; the one before signs along for a day. `seen`: which secret the page showed as the present one."""

    endpoint_id: str
    seen: Annotated[str, Field(max_length=40)] | None = None


class DeleteEndpoint(Command):
    endpoint_id: str


class Ping(Command):
    """Send `test.ping` to this endpoint, whatever types it wants."""

    endpoint_id: str


class ReplayEvents(Command):
    """Tell an endpoint once more of everything `since` then; `undelivered_only`: of what it has not taken."""

    endpoint_id: str
    since: datetime
    undelivered_only: bool = False


class Resend(Command):
    """Send a delivery once more, with a schedule from its beginning. `after_attempts`: how many the page showed."""

    delivery_id: str
    after_attempts: Annotated[int, Field(ge=0)] | None = None
