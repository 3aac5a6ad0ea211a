"""One log line per request; the session of the database put away after it."""
import time

from flask import Flask, Response, g, request

from portal.core import request_log


def log_requests(app: Flask) -> None:
    """Route, not path: a path may carry a payment token."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        if request.endpoint != "static":
            actor = g.get("actor")
            request_log.log_request(request.method, str(request.url_rule or "unmatched"), response.status_code,
                                g.get("started", 0), actor.id if actor is not None else None)
        return response
