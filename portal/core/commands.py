"""What somebody asks for, already well formed: one frozen model per thing a person or a program can do."""
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from portal.core.errors import FieldError, Invalid
from portal.core.money import BadAmount

C = TypeVar("C", bound="Command")
N_ = str  # marks a sentence for translation
SAID = {
    "missing": N_("Field required"),
    "string_too_long": N_("Use at most %(max_length)s characters."),
    "string_too_short": N_("Use at least %(min_length)s characters."),
    "string_pattern_mismatch": N_("This is not written as asked for."),
    "greater_than_equal": N_("At least %(ge)s."), "greater_than": N_("More than %(gt)s."),
    "less_than_equal": N_("At most %(le)s."), "less_than": N_("Less than %(lt)s."),
    "int_parsing": N_("Write a whole number."), "int_parsing_size": N_("Write a whole number."),
    "int_from_float": N_("Write a whole number."), "decimal_parsing": N_("Write a number, as in 92.5."),
    "decimal_max_digits": N_("This number has too many digits."), "finite_number": N_("Write a number, as in 92.5."),
    "decimal_max_places": N_("At most %(decimal_places)s digits after the point."),
    "decimal_whole_digits": N_("This number is too large."),
    "literal_error": N_("There is no such choice."), "enum": N_("There is no such choice."),
    "uuid_parsing": N_("There is no such choice."), "bool_parsing": N_("There is no such choice."),
    "too_short": N_("Choose at least one."), "too_long": N_("These are too many."),
    "date_from_datetime_parsing": N_("Write the day as 2026-11-22."),
    "extra_forbidden": N_("This form has no such field."),
}
"""What pydantic finds wrong with a form, in the desk's words; programs read pydantic's own."""
NOT_OURS = frozenset({"csrf_token", "idempotency_key", "version", "draft",
                      "proof_password", "proof_code", "proof_passkey"})  # of the form's, not of the command's


class Command(BaseModel):
    """Strict, frozen, unknown fields refused. What checks one is built with the first: few processes see them all."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


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
        raise Invalid(fields=[_field_error(e, is_form) for e in error.errors(include_url=False)]) from None


def _field_error(error: ErrorDetails, is_form: bool) -> FieldError:
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in error["loc"])
    context = error.get("ctx") or {}
    if isinstance(bad := context.get("error"), BadAmount):
        return FieldError(pointer, "invalid_amount", bad.sentence, bad.params)
    if is_form and (said := SAID.get(error["type"])):
        return FieldError(pointer, error["type"], said, context)
    return FieldError(pointer, str(context.get("code") or error["type"]), error["msg"].removeprefix("Value error, "))
