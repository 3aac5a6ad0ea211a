"""Requests, traced from outside of everything: what waits for a thread is part of it."""
from typing import Any

from portal.core.tracing import HEADER
from portal.core.tracing.spans import Spans

CALLS = "/gateway/"
NOT_TRACED = ("/live", "/livez", "/servez", "/readyz", "/metrics", "/static/")  # probes, streams of hours, files


class Traced:
    """ASGI. A call of the gateway belongs to its caller's trace, where that names one; a page begins a trace."""

    def __init__(self, app: Any, spans: Spans) -> None:
        self._app, self._spans = app, spans

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"].startswith(NOT_TRACED):
            await self._app(scope, receive, send)
            return
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == HEADER.encode()), None)
        with self._spans.request(scope["method"], given if scope["path"].startswith(CALLS) else None):
            await self._app(scope, receive, send)
