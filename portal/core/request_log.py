"""Errors to Sentry, scrubbed by the rules of the log; request ids for one thread of work from web to webhook."""
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import structlog

from portal.core import ids, metrics, tracing
from portal.core.logging import info_line, scrubbed, write_lines

TAGS = ("kind", "route", "batch", "request_id")  # what one looks for; the rest are facts
TAG_MAX = 200  # characters, as Sentry takes them
_by_reference: ContextVar[Mapping[UUID, str]] = ContextVar("by_reference", default={})  # noqa: B039 (nobody changes it)


def start_sentry(dsn: str | None, environment: str) -> None:
    """No local variables, no personal data; the rest goes through the scrubber."""
    if dsn is None:
        return
    import sentry_sdk

    sentry_sdk.init(dsn=dsn, environment=environment, include_local_variables=False, send_default_pii=False,
                    before_send=_clean, before_breadcrumb=lambda crumb, hint: scrubbed(crumb))


def _clean(event: Any, hint: Any) -> Any:
    record = hint.get("log_record")
    if record is not None and isinstance(record.msg, dict):
        _as_alarm(event, dict(record.msg))
    if "request" in event:
        event["request"] = {key: value for key, value in event["request"].items() if key in ("method", "url")}
    return scrubbed(event)


def _as_alarm(event: Any, facts: dict[str, Any]) -> None:
    """A line of our log as one kind of alarm: its name is the message, which stays the same, so that alarms of a kind
    are one issue with a count; what changes from one to the next stands beside it, as tags and facts."""
    name = str(facts.pop("event", "error"))
    event["logentry"] = {"message": name, "formatted": name, "params": []}
    event["extra"] = {}
    event["tags"] = {**(event.get("tags") or {}), "event": name, **{
        tag: str(facts[tag])[:TAG_MAX] for tag in TAGS if facts.get(tag) is not None}}
    if "exception" not in event:
        event["fingerprint"] = [str(event.get("logger")), name, str(facts.get("kind", ""))]
    event["contexts"] = {**(event.get("contexts") or {}), "facts": {
        key: value for key, value in facts.items() if key not in ("exception", "level", "logger", "timestamp")}}


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
    """And counts the request. `begun`: by `time.perf_counter`. Route, not path: a path may carry a payment token."""
    seconds = time.perf_counter() - begun
    metrics.request(method, route, status, seconds)
    trace = tracing.answered(method, route, status, request)
    return info_line("web", "request", method=method, route=route, status=status, ms=round(seconds * 1000, 1),
                     actor=actor_id, request_id=request, **({"trace_id": trace} if trace else {}))


def request_id() -> str | None:
    """Of this request or task."""
    found: str | None = structlog.contextvars.get_contextvars().get("request_id")
    return found


def promised_by(reference: UUID | None = None) -> str | None:
    """What a job that is promised now keeps of who promised it (`tracing.kept`); in a batch, for this reference's work.

    In the rows of jobs alone; an order's history and the audit have the request's id.
    """
    return _by_reference.get().get(reference) if reference else tracing.kept(request_id())


@contextmanager
def on_behalf_of(kept: Mapping[UUID, str]) -> Iterator[None]:
    """A batch: who promised each of its jobs, by their references."""
    token = _by_reference.set(kept)
    try:
        yield
    finally:
        _by_reference.reset(token)
