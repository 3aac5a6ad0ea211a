"""Traces, where the operator names a collector (TRACES_URL): a request, the work it promised, the webhook at its end.

Off, nothing of OpenTelemetry is imported and every function here returns at its first line. W3C's trace context comes
in with a call's `traceparent`, lies behind the request's id in the rows of its jobs (decision 0202) and goes out with
the webhook.
"""
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from portal.core.jobs.leases import Claimed
    from portal.core.tracing.spans import Spans

BETWEEN = " "
HEADER = "traceparent"
_spans: "Spans | None" = None


def begin(url: str | None, *, share: float, key: bytes, process: str) -> None:
    """In a process that serves or works. `share`: of traces that are kept, 0 to 1. `key`: one for all of them."""
    global _spans
    if url is not None:
        from portal.core.tracing.spans import Spans

        _spans = Spans(url, share=share, key=key, process=process)


def around(app: Any) -> Any:
    """An ASGI application whose requests are traced; the same application where nothing is."""
    if _spans is None:
        return app
    from portal.core.tracing.requests import Traced

    return Traced(app, _spans)


def kept(request_id: str | None) -> str | None:
    """What a job's row says of who promised it: the request's id, and behind it a trace's context, if there is one.

    Taken apart by `origin` and `context`.
    """
    if _spans is None:
        return request_id
    current = _spans.current()
    return request_id if current is None else f"{origin(request_id) or ''}{BETWEEN}{current}"


def origin(kept: str | None) -> str | None:
    """The request's id alone, of what a job's row says; also where traces have been turned off since."""
    return kept.partition(BETWEEN)[0] or None if kept else None


def context(kept: str | None) -> str | None:
    """The trace's context alone, as in `traceparent`."""
    return kept.partition(BETWEEN)[2] or None if kept else None


def answered(method: str, route: str, status: int, request_id: str | None) -> str | None:
    """The request under way is told what became of it. Returns its trace's id, for its line of the log."""
    return None if _spans is None else _spans.answered(method, route, status, request_id)


@contextmanager
def working(kind: str, jobs: "Sequence[Claimed]") -> Iterator[dict[UUID, str]]:
    """Work on these jobs: a span for each that belongs to a trace. Yields by reference what jobs of theirs are to keep.

    One alone is the present span as well, so that whatever it promises belongs to it.
    """
    if _spans is None:
        yield {}
        return
    with _spans.working(kind, jobs) as theirs:
        yield theirs


@contextmanager
def calling(name: str, kept: str | None) -> Iterator[dict[str, str]]:
    """A call to another system for a job: yields the headers that carry the trace on."""
    if _spans is None or context(kept) is None:
        yield {}
        return
    with _spans.calling(name, kept) as headers:
        yield headers


def called(status: int | None, error: str | None) -> None:
    """The call under way is told what came of it."""
    if _spans is not None:
        _spans.called(status, error)
