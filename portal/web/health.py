"""`/livez`, `/readyz`, `/metrics`: words for probes and figures for Prometheus; no versions."""
from flask import Blueprint, Response, abort, current_app, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis import Redis, RedisError

from portal.core import crypto, readiness

bp = Blueprint("health", __name__)
REDIS_TIMEOUT_S = 0.2


@bp.get("/livez")
def livez() -> Response:
    return jsonify(status="alive")


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
    readiness.measure()
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def redis_answers() -> bool:
    """At once; what it was asked for may be missed, so its silence only degrades."""
    url = current_app.extensions["settings"].redis_url.get_secret_value()
    try:
        with Redis.from_url(url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S) as redis:
            return bool(redis.ping())
    except RedisError:
        return False
