"""`/livez`, `/servez`, `/readyz`: words for probes, no versions; `/metrics` for Prometheus; `security.txt`, too."""
from collections.abc import Iterable
from datetime import timedelta
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Blueprint, Response, abort, current_app, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis import RedisError

from portal.core import clock, crypto, readiness, redis_client
from portal.web import measurements

bp = Blueprint("health", __name__)
PROBES = frozenset(("/livez", "/servez", "/readyz", "/metrics"))
REDIS_TIMEOUT_S = 0.2
VALID_DAYS = 180  # RFC 9116 wants less than a year


@bp.get("/livez")
def livez() -> Response:
    return jsonify(status="alive")


@bp.get("/servez")
def servez() -> tuple[Response, int]:
    """What a balancer asks; behind `asgi.py` the event loop answers it (portal/server/serving.py)."""
    status, word = readiness.serving()
    return jsonify(status=word), status


@bp.get("/readyz")
def readyz() -> tuple[Response, int]:
    """503 with reasons for database or migrations; Redis away only degrades."""
    reasons = readiness.reasons_not_ready()
    redis = "ok" if redis_answers() else "degraded"
    if reasons:
        return jsonify(status="not ready", reasons=reasons, redis=redis), 503
    return jsonify(status="ready", redis=redis), 200


@bp.get("/metrics")
def metrics() -> Response:
    """Needs `Authorization: Bearer METRICS_TOKEN`; off without one."""
    token = current_app.extensions["settings"].metrics_token
    given = request.headers.get("Authorization", "")
    if token is None or not crypto.same(given, f"Bearer {token.get_secret_value()}"):
        abort(404)
    measurements.measure()
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


@bp.get("/.well-known/security.txt")
def security_txt() -> Response:
    """RFC 9116, where the operator says who hears of weaknesses; 404 where not."""
    settings = current_app.extensions["settings"]
    if settings.security_contact is None:
        abort(404)
    until = clock.now().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=VALID_DAYS)
    lines = (f"Contact: {settings.security_contact}", f"Expires: {clock.rfc3339(until)}", "Preferred-Languages: en, ru",
             f"Canonical: {settings.public_url.rstrip('/')}/.well-known/security.txt")
    return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


def by_any_name(host: str, wsgi_app: WSGIApplication) -> WSGIApplication:
    """Probes and Prometheus ask a process by its bare address: no answer of these depends on the name."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] in PROBES:
            environ["HTTP_HOST"] = host
        return wsgi_app(environ, start_response)

    return answer


def redis_answers() -> bool:
    """At once; what it was asked for may be missed, so its silence only degrades."""
    url = current_app.extensions["settings"].redis_url.get_secret_value()
    try:
        with redis_client.client(url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S) as redis:
            return bool(redis.ping())
    except RedisError:
        return False
