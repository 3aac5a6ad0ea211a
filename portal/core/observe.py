"""Errors to Sentry, scrubbed by the rules of the log; request ids for one thread of work from web to webhook."""
import time
from typing import Any
from uuid import UUID

import structlog

from portal.core import ids
from portal.core.logging import info_line, scrubbed, write_lines


def start_sentry(dsn: str | None, environment: str) -> None:
    """No local variables, no personal data; the rest goes through the scrubber."""
    if dsn is None:
        return
    import sentry_sdk

    sentry_sdk.init(dsn=dsn, environment=environment, include_local_variables=False, send_default_pii=False,
                    before_send=_clean, before_breadcrumb=lambda crumb, hint: scrubbed(crumb))


def _clean(event: Any, hint: Any) -> Any:
    if "request" in event:
        event["request"] = {key: value for key, value in event["request"].items() if key in ("method", "url")}
    return scrubbed(event)


def begin(request_id: str | None = None) -> str:
    """A fresh `req_…`, bound to every log line and job of this request or task."""
    request_id = request_id or ids.public("req", ids.new_id())
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return request_id


def log_request(method: str, route: str, status: int, begun: float, actor_id: UUID | None) -> None:
    """One line per request: see `request_line`."""
    write_lines([request_line(method, route, status, begun, actor_id, request_id())])


def request_line(method: str, route: str, status: int, begun: float, actor_id: UUID | None, request: str | None) -> str:
    """`begun`: by `time.perf_counter`. Route, not path: a path may carry a payment token."""
    return info_line("web", "request", method=method, route=route, status=status,
                     ms=round((time.perf_counter() - begun) * 1000, 1), actor=actor_id, request_id=request)


def request_id() -> str | None:
    """Of this request or task."""
    found: str | None = structlog.contextvars.get_contextvars().get("request_id")
    return found
