"""How often a page may be asked for, by Flask-Limiter; signing in has its own count in PostgreSQL (parties.attempts).

Counted in Redis, so that all processes count together; without Redis each process counts for itself.
"""
from flask import Flask, Response, request
from flask_limiter import HeaderNames, Limiter

from portal.core import crypto
from portal.parties.attempts import network_of
from portal.settings import Settings

TIMEOUT_S = 0.1
PAYMENT_PAGE = "60 per minute"  # per payment link
REFUSALS = (429, 503)
NAMES = {HeaderNames.LIMIT: "RateLimit-Limit", HeaderNames.REMAINING: "RateLimit-Remaining",
         HeaderNames.RESET: "RateLimit-Reset", HeaderNames.RETRY_AFTER: "Retry-After"}


def register(app: Flask, settings: Settings) -> None:
    from portal.web.checkout import blueprints

    @app.after_request
    def calm(response: Response) -> Response:
        """Flask-Limiter says when to come back on every answer; only who was refused has to wait.

        The gateway's answers are its own: a 409 there says when to try again.
        """
        if response.status_code not in REFUSALS and not (request.blueprint or "").startswith("gateway"):
            response.headers.pop("Retry-After", None)
        return response

    url = settings.redis_url.get_secret_value()
    limiter = Limiter(
        key_func=address, enabled=settings.ratelimit_enabled, headers_enabled=True, key_prefix="quittance:web",
        storage_uri=f"redis+{url}" if url.startswith("unix") else url, strategy="fixed-window",
        storage_options={"socket_timeout": TIMEOUT_S, "socket_connect_timeout": TIMEOUT_S},  # type: ignore[dict-item]
        header_name_mapping=NAMES, in_memory_fallback_enabled=True)
    for blueprint in blueprints:
        limiter.limit(PAYMENT_PAGE, key_func=payment_link)(blueprint)
    limiter.init_app(app)


def address() -> str:
    """Who asks: an IPv4 address, or the /64 of an IPv6 one."""
    return network_of(request.remote_addr or "127.0.0.1")


def payment_link() -> str:
    """Its token where the address names one, by a digest: Redis holds no links."""
    token = (request.view_args or {}).get("token")
    return f"link:{crypto.sha256(token).hex()[:32]}" if token else address()
