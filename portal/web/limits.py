"""How often a page may be asked for, by Flask-Limiter; signing in has its own count in PostgreSQL (parties.attempts).

Counted in Redis, so that all processes count together; without Redis each process counts for itself. It stands before
everything else that is done for a visitor, before the check of a form's token too.
"""
import time
from uuid import UUID

from flask import Flask, Response, current_app, g, request
from flask_limiter import HeaderNames, Limiter
from limits import parse
from limits.storage import RedisStorage
from redis.exceptions import RedisError

from portal.core import crypto, redis_client
from portal.core.addresses import network_of
from portal.core.errors import NotFound
from portal.settings import Settings
from portal.web import identity

TIMEOUT_S = 0.1
STRANGERS = "300 per minute"  # all pages together, by address: an office may stand behind one
SIGN_INS = "60 per minute"  # tries, good ones too, by address; ten bad ones are refused by parties.attempts
FORMS = "120 per minute"  # sent by one person
UPLOADS = "30 per minute"  # files by one person: each is judged in a process of its own
QUOTES = "120 per minute"  # looks at what a payout would cost, by one person who types
SIMULATIONS = "30 per minute"  # looks at what would have been, by one person: each reads a day of orders
PROBES = "600 per minute"  # by address
PAYMENT_PAGE = "60 per minute"  # per payment link
TRIALS = "20 per 4 seconds"  # outcomes chosen for one store's test orders: each may have the robots, which all share
JOINING = "10 per hour"  # applications from one address
DOCUMENTS = "60 per hour"  # files of theirs
NOTHING = parse("120 per minute")  # answers that there is nothing here, by address
REFUSALS = (429, 503)
NAMES = {HeaderNames.LIMIT: "RateLimit-Limit", HeaderNames.REMAINING: "RateLimit-Remaining",
         HeaderNames.RESET: "RateLimit-Reset", HeaderNames.RETRY_AFTER: "Retry-After"}
PREFIX = "quittance:web"
TRIED = "checkout.try_outcome"


class Counts(RedisStorage):
    """The library would import the client of Valkey, too, where that is installed: 3 MB for nothing."""

    STORAGE_SCHEME = ["quittance"]
    DEPENDENCIES = {"redis": None}


def register(app: Flask, settings: Settings) -> None:
    pool = redis_client.pool(settings.redis_url.get_secret_value(), socket_timeout=TIMEOUT_S,
                             socket_connect_timeout=TIMEOUT_S)
    limiter = Limiter(
        key_func=address, enabled=settings.ratelimit_enabled, headers_enabled=True, key_prefix=PREFIX,
        storage_uri="quittance://", storage_options={"connection_pool": pool},  # type: ignore[dict-item]
        strategy="fixed-window",
        header_name_mapping=NAMES, in_memory_fallback_enabled=True,
        application_limits=[STRANGERS], application_limits_exempt_when=is_no_stranger)
    _limit_rooms(limiter)

    @app.before_request
    def meet() -> None:
        """Who asks, before anything is counted. Read here, a database away is not taken for a silent Redis."""
        g.actor = identity.load_actor() if _is_page() else None
        g.store_tried = _store_tried() if request.endpoint == TRIED else None

    @app.after_request
    def plain(response: Response) -> Response:
        """Flask-Limiter says when to come back on every answer, and by the clock; only who was refused has to wait.

        The gateway's answers are its own: a 409 there says when to try again.
        """
        if (request.blueprint or "").startswith("gateway"):
            return response
        if response.status_code not in REFUSALS:
            response.headers.pop("Retry-After", None)
        reset_at = response.headers.get("RateLimit-Reset", type=int)
        if reset_at is not None:
            response.headers["RateLimit-Reset"] = str(max(1, int(reset_at - time.time())))
        return response

    limiter.init_app(app)

    @app.after_request
    def guessing(response: Response) -> Response:
        """Whoever tries addresses and payment links one after the other hears after a while that it is enough."""
        if response.status_code != 404 or g.get("actor") is not None or not limiter.enabled:
            return response
        return response if _may_hear_it(limiter) else _enough(limiter)


def address() -> str:
    """Who asks: an IPv4 address, or the /64 of an IPv6 one."""
    return network_of(request.remote_addr or "") or "nowhere"


def payment_link() -> str:
    """Its token where the address names one, by a digest: Redis holds no links."""
    token = (request.view_args or {}).get("token")
    return f"link:{crypto.sha256(token).hex()[:32]}" if token else address()


def store_tried() -> str:
    """Whose test order somebody plays with."""
    return f"store:{g.store_tried}" if g.store_tried else address()


def person() -> str:
    """Who is signed in."""
    return f"person:{g.actor.id}"


def takes_files() -> bool:
    """The route that was asked for takes files."""
    return hasattr(current_app.view_functions.get(request.endpoint or ""), "body_max")


def is_no_stranger() -> bool:
    """Whose calls are not counted together by address: people who are signed in, payers with a link, probes."""
    return g.actor is not None or request.blueprint in ("checkout", "health")


def _limit_rooms(limiter: Limiter) -> None:
    from portal.web.admin import blueprints as admin
    from portal.web.admin.what_if import bp as what_if
    from portal.web.auth import blueprints as auth
    from portal.web.auth.login import bp as login
    from portal.web.checkout import blueprints as checkout
    from portal.web.files import bp as files
    from portal.web.health import bp as health
    from portal.web.join import bp as join
    from portal.web.merchant import blueprints as merchant
    from portal.web.merchant.payout_quote import bp as quote
    from portal.web.trader import blueprints as trader

    for blueprint in checkout:
        limiter.limit(PAYMENT_PAGE, key_func=payment_link)(blueprint)
        limiter.limit(UPLOADS, key_func=payment_link, exempt_when=lambda: not takes_files())(blueprint)
        limiter.limit(TRIALS, key_func=store_tried, exempt_when=lambda: request.endpoint != TRIED)(blueprint)
    limiter.limit(QUOTES, key_func=person, exempt_when=lambda: g.actor is None)(quote)
    limiter.limit(SIMULATIONS, key_func=person, exempt_when=lambda: g.actor is None)(what_if)
    limiter.limit(UPLOADS, key_func=person, methods=["POST"], exempt_when=lambda: g.actor is None)(files)
    limiter.limit(SIGN_INS, methods=["POST"])(login)
    limiter.limit(JOINING, methods=["POST"], exempt_when=lambda: request.endpoint != "join.send")(join)
    limiter.limit(DOCUMENTS, methods=["POST"], exempt_when=lambda: request.endpoint != "join.upload")(join)
    limiter.limit(SIGN_INS, methods=["POST"], exempt_when=lambda: request.endpoint != "join.choose")(join)
    limiter.limit(PROBES, exempt_when=lambda: request.endpoint in ("health.livez", "health.servez"))(health)
    forms = limiter.shared_limit(FORMS, scope="forms", key_func=person, methods=["POST"],
                                 exempt_when=lambda: g.actor is None)
    for blueprint in (*auth, *admin, *merchant, *trader):
        if blueprint is not login:
            forms(blueprint)


def _store_tried() -> UUID | None:
    from portal.web.checkout import orders, trials

    try:
        return trials.store_of(orders.payer_of(str((request.view_args or {})["token"])))
    except NotFound:
        return None  # which the view says


def _is_page() -> bool:
    return request.endpoint not in (None, "static") and not (request.blueprint or "").startswith("gateway")


def _may_hear_it(limiter: Limiter) -> bool:
    try:
        return limiter.limiter.hit(NOTHING, PREFIX, "nothing", address())
    except RedisError:  # Flask-Limiter finds out at the next page
        return True


def _enough(limiter: Limiter) -> Response:
    from portal.web import error_handlers

    answer = error_handlers.page(429)
    reset_at = limiter.limiter.get_window_stats(NOTHING, PREFIX, "nothing", address()).reset_time
    answer.headers["Retry-After"] = str(max(1, int(reset_at - time.time())))
    return answer
