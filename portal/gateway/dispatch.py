"""How a call is served: straight through, past the hooks that only pages need (sessions, CSRF, languages, page limits).

Flask's contexts, routing and error handlers are used as they are; what is left out is what a call never needed, and
what is done to every answer is done here in one place, because a store waits for each microsecond of it.
"""
import time
from collections.abc import Mapping
from http.client import SERVICE_UNAVAILABLE
from typing import Any

from flask import Flask, Response, g, request
from flask.globals import request_ctx
from werkzeug.exceptions import MethodNotAllowed

from portal.core import request_log
from portal.gateway import auth, call_log, problems, rate_limits
from portal.gateway.endpoint import headers_of
from portal.gateway.errors import NotAcceptable
from portal.gateway.late_rules import Rule
from portal.gateway.waiting import WAIT, Wait


class Desk(Flask):
    """Flask for pages; for calls under /gateway/ it takes the short way."""

    gateway_headers: Mapping[str, str] = {}
    url_rule_class = Rule

    def ensure_sync(self, func: Any) -> Any:
        """No view here is a coroutine."""
        return func

    def full_dispatch_request(self) -> Response:
        if not problems.is_ours():
            return super().full_dispatch_request()
        begun = time.perf_counter()
        g.request_id = request_log.begin()
        g.actor = g.turned_away = None
        try:
            answer = self._answered()
        except Exception as error:  # Flask's own handlers know what becomes of it; what they do not know is a bug
            answer = self.make_response(self.handle_user_exception(error))
        answer = problems.never_html(answer)
        if answer.status_code == SERVICE_UNAVAILABLE:
            rate_limits.give_back()
        wait: Wait | None = request.environ.get(WAIT)
        if wait is not None and wait.held:
            wait.counted = g.get("counted")
            return answer  # which nobody hears
        headers = answer.headers
        headers.extend(rate_limits.shown())
        headers.extend(headers_of(self.view_functions.get(request.endpoint or "")))
        for name, value in self.gateway_headers.items():
            headers.setdefault(name, value)
        headers["Request-Id"] = g.request_id
        actor = g.get("actor")
        request_log.log_request(request.method, str(request.url_rule or "unmatched"), answer.status_code, begun,
                            actor.id if actor is not None else None)
        call_log.put(answer, begun if wait is None else wait.begun)
        return answer

    def _answered(self) -> Response:
        error = request_ctx.request.routing_exception
        if error is not None:
            rate_limits.check_stranger()
            if request.method == "OPTIONS" and isinstance(error, MethodNotAllowed):
                return problems.what_is_allowed(error)
        else:
            auth.admit()
            auth.refuse_stray_queries()
            if request.headers.get("Accept") and not any(request.accept_mimetypes[kind] for kind in call_log.JSON):
                raise NotAcceptable()
        return self.make_response(self.dispatch_request())
