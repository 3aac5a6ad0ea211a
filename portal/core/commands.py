"""What somebody asks for, already well formed: one frozen model per thing a person or a program can do."""
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from portal.core.errors import FieldError, Invalid

C = TypeVar("C", bound="Command")
NOT_OURS = frozenset({"csrf_token", "idempotency_key", "version"})  # of the form's, not of the command's


class Command(BaseModel):
    """Strict, frozen, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def bind(command: type[C], sent: Mapping[str, Any], **known: object) -> C:
    """Make a command from a form or a JSON object; `known` comes from the address and wins.

    The text of forms is stripped and an empty field is an absent one; JSON is taken as it is.
    Raises Invalid with every field that is wrong, all at once.
    """
    is_form = hasattr(sent, "getlist")
    # PostgreSQL has no text with a NUL in it
    if is_form and (unreadable := [key for key, value in sent.items() if "\x00" in value]):
        raise Invalid(fields=[FieldError(f"/{key}", "invalid_text", "This holds a character that is no text.")
                              for key in unreadable])
    fields = {key: value for key, value in sent.items() if not (is_form and key in NOT_OURS)}
    if is_form:
        fields = {key: value.strip() for key, value in fields.items() if value.strip()}
    try:
        # a form's text may become a number or a date; JSON has types of its own
        return command.model_validate(fields | known, strict=not is_form)
    except ValidationError as error:
        raise Invalid(fields=[_field_error(e) for e in error.errors(include_url=False)]) from None


def _field_error(error: ErrorDetails) -> FieldError:
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in error["loc"])
    context = error.get("ctx") or {}
    return FieldError(pointer, str(context.get("code") or error["type"]), error["msg"].removeprefix("Value error, "))
