"""Errors become pages here, once: our own by their kind, HTTP's by their status, anything else is a bug and a 500."""
import structlog
from flask import Flask, Response, g, make_response, redirect, render_template, request
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, SecurityError

from portal import http_status
from portal.core import jitter
from portal.core.db import db, is_disconnect
from portal.core.errors import (
    DatabaseUnavailable,
    NotFound,
    OddValue,
    PortalError,
    Unavailable,
)
from portal.web.htmx import wants_fragment
from portal.web.refused_forms import READS, page_of_act
from portal.web.slashes import without_slash

log = structlog.get_logger("web")


def status_of(error: PortalError) -> int:
    """The HTTP status of one of our errors."""
    return next((status for kind, status in http_status.OF_KIND.items() if isinstance(error, kind)), 500)


def register(app: Flask) -> None:
    """The gateway has handlers of its own, on its blueprints and for its paths."""

    @app.errorhandler(PortalError)
    def ours(error: PortalError) -> Response:
        if isinstance(error, NotFound) and request.method in READS and (where := page_of_act()):
            return redirect(where, 303)  # type: ignore[return-value]
        return page(status_of(error), error)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        if isinstance(error, SecurityError):  # a host that is not ours: no page can name an address under it
            return Response("This desk does not answer to that name.\n", 400, content_type="text/plain; charset=utf-8")
        if error.response is not None:
            return error.response  # type: ignore[return-value]  # `redisplay` aborts with a whole answer
        if error.code is not None and 300 <= error.code < 400:
            return error.get_response()  # type: ignore[return-value]
        if error.code == 404 and request.method in READS and (where := without_slash()):
            return redirect(where, 308)  # type: ignore[return-value]
        if error.code in (404, 405) and request.method in READS and (where := page_of_act()):
            return redirect(where, 303)  # type: ignore[return-value]
        return page(error.code or 500)

    @app.errorhandler(DBAPIError)
    def database(error: DBAPIError) -> Response:
        if is_disconnect(error):
            return page(503, DatabaseUnavailable())
        if isinstance(error, DataError):  # no door sends such a value on knowingly: say so, and look for the door
            log.warning("odd_value", route=str(request.url_rule), error=str(error.orig))
            return page(422, OddValue())
        return bug(error)

    @app.errorhandler(PoolTimeout)
    def crowded(error: PoolTimeout) -> Response:
        return page(503, DatabaseUnavailable())

    @app.errorhandler(Exception)
    def bug(error: Exception) -> Response:
        log.exception("bug", route=str(request.url_rule))
        return page(500)


def page(status: int, error: PortalError | None = None) -> Response:
    """A whole page for a browser, a notice for htmx."""
    db.session.rollback()
    g.apologising = True
    template = "errors/_notice.html" if wants_fragment() else "errors/page.html"
    response = make_response(render_template(template, status=status, error=error,
                                             request_id=g.get("request_id", "")), status)
    response.vary.add("HX-Request")
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = jitter.retry_after(error.retry_after_s)
    return response
