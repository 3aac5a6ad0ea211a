"""Pages of lists: a cursor leads on in the very list that gave it, with the same filters, and nowhere else."""
import hashlib
import json
from base64 import urlsafe_b64encode
from typing import Any, TypeVar

from flask import Response, request

from portal.core.errors import FieldError, Invalid
from portal.gateway import strict_json
from portal.gateway.auth import caller
from portal.gateway.endpoint import shown

Q = TypeVar("Q", bound=strict_json.PageQuery)
FREE = ("cursor", "limit")  # what may change from one page to the next


def asked(kind: type[Q]) -> Q:
    """The query string, its cursor as the list itself made it. Raises Invalid."""
    wanted = strict_json.query(kind)
    if wanted.cursor is None:
        return wanted
    mark, _, inner = wanted.cursor.partition(".")
    if mark != _mark() or not inner:
        raise Invalid(fields=[FieldError("/cursor", "invalid_cursor", "This cursor is not one of this list with these"
                                                                      " filters. Begin without one.")])
    return wanted.model_copy(update={"cursor": inner})


def listed(rows: list[dict[str, Any]], next_cursor: str | None) -> Response:
    return shown({"data": rows, "next_cursor": None if next_cursor is None else f"{_mark()}.{next_cursor}"})


def _mark() -> str:
    """Of this list, store, mode and filters."""
    actor = caller()
    filters = sorted((name, value) for name, value in request.args.items() if name not in FREE)
    of = json.dumps([request.path, str(actor.store_id), actor.live, filters])
    return urlsafe_b64encode(hashlib.sha256(of.encode()).digest()[:6]).decode()
