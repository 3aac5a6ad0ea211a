"""How often one key may call: reads and writes counted apart, in Redis, so that all processes count together.

Flask-Limiter counts before a blueprint can tell whose key it is, asks Redis again for the headers and puts
`Retry-After` on every answer; so its engine, `limits`, is used here directly: one round trip a request.
Without Redis nothing is counted and everybody passes.
"""
from typing import cast
from uuid import UUID

from flask import Flask, Response, current_app, g
from limits.storage import Storage, storage_from_string

from portal.core import calm, clock
from portal.gateway.calls import bp
from portal.gateway.errors import TooManyRequests

BURST = 200
READ_WINDOW_S = 2  # 200 in 2 s: 100 a second, 200 at once
WRITE_WINDOW_S = 4  # 200 in 4 s: 50 a second, 200 at once
EXTENSION = "gateway_limits"


class Counter:
    """Calls of each key in the present window."""

    def __init__(self, redis_url: str) -> None:
        uri = f"redis+{redis_url}" if redis_url.startswith("unix") else redis_url
        self._storage = cast(Storage, storage_from_string(uri, **calm.options()))

    def count(self, key: str, window_s: int) -> int | None:
        """This call's number in its window; None when Redis does not say."""
        if not calm.answers():
            return None
        try:
            return self._storage.incr(key, window_s)
        except Exception as error:  # whatever a broken Redis raises: the gateway fails open
            calm.fell_silent(error)
            return None


def register(app: Flask) -> None:
    settings = app.extensions["settings"]
    if settings.ratelimit_enabled:
        app.extensions[EXTENSION] = Counter(settings.redis_url.get_secret_value())


def check(key_id: UUID, *, writes: bool) -> None:
    """Count this call of a key. Raises TooManyRequests."""
    counter: Counter | None = current_app.extensions.get(EXTENSION)
    if counter is None:
        return
    window_s = WRITE_WINDOW_S if writes else READ_WINDOW_S
    moment = clock.now().timestamp()
    slot = int(moment // window_s)
    calls = counter.count(f"quittance:gateway:{key_id}:{'w' if writes else 'r'}:{slot}", window_s)
    if calls is None:
        return
    left_s = max(1, round((slot + 1) * window_s - moment))
    g.rate = {"RateLimit-Limit": str(BURST), "RateLimit-Remaining": str(max(0, BURST - calls)),
              "RateLimit-Reset": str(left_s)}
    if calls > BURST:
        error = TooManyRequests()
        error.retry_after_s = left_s
        raise error


@bp.after_request
def show(response: Response) -> Response:
    """What is left, on every answer to a key."""
    response.headers.update(g.get("rate", {}))
    return response
