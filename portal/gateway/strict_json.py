"""What a store sent, read strictly: JSON without its ambiguities, query strings without surprises."""
import hashlib
import json
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from flask import request
from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from portal.core.commands import Command, bind
from portal.core.errors import FieldError, Invalid
from portal.core.paging import PAGE_MAX
from portal.gateway import patterns
from portal.gateway.errors import MalformedJson, NotJson

C = TypeVar("C", bound=Command)
DEPTH_MAX = 32
LIMIT = 50


def _limit(sent: object) -> int:
    if isinstance(sent, str) and sent.isascii() and sent.isdigit() and len(sent) <= 3 and 1 <= int(sent) <= PAGE_MAX:
        return int(sent)
    raise PydanticCustomError("invalid_limit", "A whole number from 1 to 100.")


class NoQuery(Command):
    """Nothing may stand behind the question mark."""


class PageQuery(Command):
    """A page of a list: text as a query string has it."""

    limit: Annotated[int, BeforeValidator(_limit), WithJsonSchema(
        {"type": "integer", "minimum": 1, "maximum": PAGE_MAX})] = LIMIT
    cursor: Annotated[str, WithJsonSchema({"type": "string", "pattern": patterns.CURSOR})] | None = None


def body() -> dict[str, Any]:
    """The JSON object of the request; a POST without a body counts as an empty one.

    Raises NotJson, MalformedJson, Invalid (not an object; U+0000 or a lone surrogate in a text).
    """
    sent = request.get_data(cache=True)
    if not sent:
        return {}
    if request.mimetype != "application/json":
        raise NotJson()
    return parse(sent)


def parse(sent: bytes) -> dict[str, Any]:
    """Raises MalformedJson, Invalid."""
    try:
        found = _STRICT.decode(sent.decode("utf-8"))
    except (ValueError, ArithmeticError, RecursionError):
        raise MalformedJson() from None
    # without an escape there is no U+0000 nor half a pair, and so few brackets nest no deeper: nothing to look for
    plain = b"\\u" not in sent and sent.count(b"{") + sent.count(b"[") <= DEPTH_MAX
    wrong = [] if plain else _bad_texts(found)
    if not isinstance(found, dict):
        wrong = [FieldError("", "not_an_object", "Send a JSON object.")]
    if wrong:
        raise Invalid(fields=wrong)
    return found  # type: ignore[no-any-return]


def fingerprint(sent: dict[str, Any]) -> bytes:
    """SHA-256 of the canonical JSON: white space and the order of names do not matter."""
    return hashlib.sha256(json.dumps(sent, sort_keys=True, separators=(",", ":"), default=str).encode()).digest()


def query(command: type[C], **known: object) -> C:
    """The query string as a command: each name once, nothing unknown, nothing stripped or clamped. Raises Invalid."""
    twice = [FieldError(f"/{name}", "repeated", "Send this once.") for name, values in request.args.lists()
             if len(values) > 1]
    if twice:
        raise Invalid(fields=twice)
    found = request.args.to_dict()
    wrong = _bad_texts(found)
    if wrong:
        raise Invalid(fields=wrong)
    return bind(command, found, **known)


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_STRICT = json.JSONDecoder(object_pairs_hook=_no_twins, parse_constant=_no_constant, parse_float=Decimal)


def _bad_texts(found: Any) -> list[FieldError]:
    """Every text with U+0000 or half a surrogate pair, by pointer. Raises MalformedJson when nested too deep."""
    wrong: list[FieldError] = []
    waiting: list[tuple[str, Any, int]] = [("", found, 1)]
    while waiting:
        pointer, value, depth = waiting.pop()
        if isinstance(value, str):
            if not _is_text(value):
                wrong.append(FieldError(pointer, "invalid_text", "This text has characters that are not allowed."))
        elif isinstance(value, (dict, list)):
            if depth > DEPTH_MAX:
                raise MalformedJson()
            if isinstance(value, dict):
                wrong += [FieldError(pointer, "invalid_text", "A name has characters that are not allowed.")
                          for name in value if not _is_text(name)]
                waiting += [(f"{pointer}/{_escaped(name)}", item, depth + 1) for name, item in value.items()]
            else:
                waiting += [(f"{pointer}/{place}", item, depth + 1) for place, item in enumerate(value)]
    return [FieldError(e.field.encode("utf-8", "replace").decode(), e.code, e.message) for e in wrong]


def _is_text(value: str) -> bool:
    if "\x00" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
