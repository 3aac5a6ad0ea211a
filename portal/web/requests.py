"""One log line per request; the session of the database put away after it."""
import time

import structlog
from flask import Flask, Response, g, request

log = structlog.get_logger("web")


def log_requests(app: Flask) -> None:
    """Route, not path: a path may carry a payment token."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        if request.endpoint != "static":
            actor = g.get("actor")
            log.info("request", method=request.method, route=str(request.url_rule or "unmatched"),
                     status=response.status_code, ms=round((time.perf_counter() - g.get("started", 0)) * 1000, 1),
                     actor=str(actor.id) if actor is not None and actor.id else None)
        return response
