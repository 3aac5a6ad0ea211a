"""Signatures that have counted, in Redis, so that each counts once whichever process it comes to.

Without Redis nobody remembers them. That a call is not carried out twice does not hang on this: its idempotency key is
signed along, and PostgreSQL keeps that. What is missed is the refusal.
"""
from flask import Flask, current_app, request

from portal.core import redis_breaker, redis_client
from portal.gateway.errors import SignatureReplayed
from portal.gateway.signing import AWAY_MAX_S

EXTENSION = "gateway_signatures"
CLAIMED = "quittance.signature_claimed"  # in scope and environ: what the lane was told of it
KEPT_S = 2 * AWAY_MAX_S + 1  # as long as a timestamp can be in range


class Seen:
    """The first to claim a signature has it."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis_client.client(redis_url, **redis_breaker.client_options())
        self._on_loop = redis_client.loop_client(redis_url, **redis_breaker.loop_options())

    def claim(self, signature: str) -> bool:
        """Whether nobody has used it before; yes where Redis does not say."""
        if not redis_breaker.is_closed():
            return True
        try:
            return bool(self._redis.set(_name(signature), 1, nx=True, ex=KEPT_S))
        except Exception as error:  # whatever a broken Redis raises
            redis_breaker.trip(error)
            return True

    async def claim_on_loop(self, signature: str) -> bool:
        """As `claim`, on the event loop."""
        if not redis_breaker.is_closed():
            return True
        try:
            return bool(await self._on_loop.set(_name(signature), 1, nx=True, ex=KEPT_S))
        except Exception as error:  # as above
            redis_breaker.trip(error)
            return True

    async def close(self) -> None:
        """Let go of what was opened on this event loop."""
        await self._on_loop.aclose()


def register(app: Flask) -> None:
    app.extensions[EXTENSION] = Seen(app.extensions["settings"].redis_url.get_secret_value())


def check(signature: str) -> None:
    """This call's signature counts now, unless the lane has claimed it for this very call. Raises SignatureReplayed."""
    told: bool | None = request.environ.get(CLAIMED)
    seen: Seen = current_app.extensions[EXTENSION]
    if not (seen.claim(signature) if told is None else told):
        raise SignatureReplayed()


def _name(signature: str) -> str:
    return f"quittance:gateway:signature:{signature}"
