"""Every refusal of the gateway as `application/problem+json`, from one registry of codes.

Under /gateway/ nothing else ever leaves: not for an address that does not exist, not for a bug.
"""
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Flask, Response, g, request
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect

from portal import http_status
from portal.core import jitter
from portal.core.db import db, is_disconnect
from portal.core.errors import (
    DatabaseUnavailable,
    Invalid,
    OddValue,
    PortalError,
)
from portal.gateway import errors

log = structlog.get_logger("gateway")
PREFIX = "/gateway"
MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1
NO_DOORS = ("portal.demo", "portal.cli")  # loaded by commands alone: the document must not depend on who ran one
REDIRECTS = frozenset({301, 302, 303, 307, 308})

STATUS: dict[type[PortalError], int] = {
    errors.BadRequest: 400, errors.Unauthorized: 401, errors.MethodNotAllowed: 405,
    errors.NotAcceptable: 406, errors.BodyTooSlow: 408,
    errors.HeadTooSlow: 408, errors.BodyTooLarge: 413, errors.NotJson: 415, errors.NotMultipart: 415,
    errors.NotForm: 415, errors.NotPlain: 415, errors.TooManyRequests: 429, errors.HeadTooLarge: 431, errors.Bug: 500,
} | http_status.OF_KIND
HTTP_ERRORS: dict[int, type[PortalError]] = {
    400: errors.BadRequest, 404: errors.NoSuchCall, 405: errors.MethodNotAllowed, 408: errors.BodyTooSlow,
    413: errors.BodyTooLarge, 415: errors.NotJson, 429: errors.TooManyRequests,
}


@dataclass(frozen=True)
class Entry:
    """One code: what it means and whether trying again can help."""

    code: str
    status: int
    title: str
    retryable: bool


def status_of(error: type[PortalError]) -> int:
    """The HTTP status of one of our errors: its own, or that of the kind it belongs to."""
    return next((STATUS[kind] for kind in error.__mro__ if kind in STATUS), 500)


def registry() -> dict[str, Entry]:
    """Every code that an answer can carry, made from the error classes themselves; commands' refusals are none."""
    found = {}
    for kind in _kinds(PortalError):
        if "code" in vars(kind) and (kind is errors.Bug or kind.code != errors.Bug.code):
            found[kind.code] = Entry(kind.code, status_of(kind), _title(kind), kind.retryable)
    return dict(sorted(found.items(), key=lambda item: (item[1].status, item[0])))


def answer(error: PortalError) -> Response:
    """The problem document of one of our errors."""
    kind = type(error)
    problem: dict[str, Any] = {
        "type": f"/docs/errors#{error.code}", "title": _title(kind), "status": status_of(kind),
        "detail": error.message, "code": error.code, "request_id": g.get("request_id", ""),
        "retryable": error.retryable}
    if isinstance(error, Invalid):
        problem["errors"] = [field.public() for field in error.fields]
    problem |= {name: value for name, value in error.details.items()
                if name not in problem and isinstance(value, (str, int, bool))}
    response = Response(json.dumps(problem, ensure_ascii=False), status=status_of(kind), content_type=MEDIA_TYPE)
    if error.retryable:
        response.headers["Retry-After"] = jitter.retry_after(getattr(error, "retry_after_s", RETRY_AFTER_S))
    if isinstance(error, errors.Unauthorized):
        response.headers["WWW-Authenticate"] = f'{error.challenge} realm="quittance"'
    return response


def from_exception(error: Exception) -> Response:
    """Whatever was raised: our own by its code, HTTP's by its status, the rest is a bug that shows a request id."""
    db.session.rollback()
    match error:
        case PortalError():
            return answer(error)
        case RequestRedirect():
            return answer(errors.NoSuchCall())
        case HTTPException():
            return _http(error)
        case PoolTimeout():
            return answer(DatabaseUnavailable())
        case DBAPIError() if is_disconnect(error):
            return answer(DatabaseUnavailable())
        case DataError():
            log.warning("odd_value", route=str(request.url_rule), error=str(error.orig))
            return answer(OddValue())
        case _:
            log.error("bug", route=str(request.url_rule), exc_info=error)
            return answer(errors.Bug())


def what_is_allowed(error: MethodNotAllowed) -> Response:
    """To OPTIONS. Nothing is said of other origins: no page of another site may call here."""
    response = Response(status=204, headers={"Allow": _allowed(error)})
    del response.headers["Content-Type"]
    return response


def register(app: Flask) -> None:
    """Under /gateway/ these answers take the place of the pages' error pages, unmatched addresses included."""
    handlers = app.error_handler_spec[None]
    for by_class in handlers.values():
        for kind, pages in list(by_class.items()):
            by_class[kind] = _instead_of(pages)
    for kind in (HTTPException, Exception):
        handlers[None].setdefault(kind, _instead_of(_raise))


def is_ours() -> bool:
    path = request.path
    return path.startswith(PREFIX) and path[len(PREFIX):len(PREFIX) + 1] in ("", "/")


def never_html(response: Response) -> Response:
    """Instead of what werkzeug makes by itself, past every handler: a redirect to a tidier path, answers to OPTIONS."""
    if response.status_code in REDIRECTS or response.mimetype == "text/html":
        return answer(errors.NoSuchCall())
    return response


def table() -> str:
    """The documentation's table of codes (docs/errors.md); a test keeps the file equal to this."""
    lines = ["| code | status | retryable | meaning |", "|---|---|---|---|"]
    lines += [f"| `{e.code}` | {e.status} | {'yes' if e.retryable else 'no'} | {e.title.replace('|', '/')} |"
              for e in registry().values()]
    return "\n".join(lines)


def _kinds(kind: type[PortalError]) -> Iterator[type[PortalError]]:
    yield kind
    for below in kind.__subclasses__():
        if below.__module__.startswith("portal.") and not below.__module__.startswith(NO_DOORS):
            yield from _kinds(below)


def _title(kind: type[PortalError]) -> str:
    return " ".join((kind.__doc__ or "").split())


def _http(error: HTTPException) -> Response:
    kind = HTTP_ERRORS.get(error.code or 500)
    if kind is None:
        kind = errors.Bug if (error.code or 500) >= 500 else errors.BadRequest
    response = answer(kind())
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = _allowed(error)
    return response


def _allowed(error: MethodNotAllowed) -> str:
    return ", ".join(sorted({*(error.valid_methods or ()), "OPTIONS"}))


def _instead_of(pages: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def choose(error: Exception) -> Any:
        return from_exception(error) if is_ours() else pages(error)

    return choose


def _raise(error: Exception) -> Any:
    if isinstance(error, HTTPException):
        return error
    raise error
