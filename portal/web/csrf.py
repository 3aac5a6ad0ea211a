"""Forms come from our own pages: Flask-WTF's token and the browser's word on where the request started."""
from flask import Flask, request
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError

from portal.core import crypto
from portal.core.errors import Denied
from portal.orders import payment_links
from portal.settings import Settings
from portal.web import stale_forms

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SIGNED = frozenset({"shop.hear"})
"""Doors for programs: what they send carries a signature, and no cookie counts there."""
protection = CSRFProtect()


class CrossSite(Denied):
    """This form was not sent from our own page, or the page is too old. Open it again and repeat."""

    code = "cross_site"


def register(app: Flask, settings: Settings) -> None:
    """On every unsafe route of the portal; the gateway takes no cookies, so nobody's browser can be used against it."""
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    protection.init_app(app)
    own = settings.public_url.rstrip("/")

    @app.before_request
    def check() -> None:
        if (request.method in SAFE or request.endpoint is None or request.endpoint in SIGNED
                or (request.blueprint or "").startswith("gateway")):
            return
        if not _from_here(own):
            raise CrossSite()
        if request.blueprint == "checkout":
            _check_link()
            return
        try:
            protection.protect()
        except CSRFError:
            stale_forms.ask_again()
            raise CrossSite() from None


def _check_link() -> None:
    """A payer's browser may keep no cookies: the link is the right, and its page's forms are bound to it.

    Raises NotFound, CrossSite.
    """
    order_id = payment_links.order_id_of((request.view_args or {})["token"])
    if not crypto.same(request.form.get("csrf_token", "").encode(), payment_links.form_token_of(order_id).encode()):
        raise CrossSite()


def _from_here(own: str) -> bool:
    """`Sec-Fetch-Site` where the browser sends it, else `Origin`; a program that sends neither has the token to show.

    The payment page sends no referrer, and browsers then write `Origin: null` on its forms.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is None or (origin == "null" and request.blueprint == "checkout"):
        return True
    return origin in (own, request.host_url.rstrip("/"))
