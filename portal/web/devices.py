"""Browsers that an account was signed in at before: a signed cookie that lives long, and opens nothing.

It gives its owner a budget of wrong passwords of their own (`parties.attempts`), so that nobody who guesses from
elsewhere keeps them out. It names an id and digests of accounts, never an address of a person.
"""
import secrets

from flask import Response, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from portal.core import crypto
from portal.settings import Settings

COOKIE, SECURE_COOKIE = "device", "__Host-device"
KEPT_S = 365 * 24 * 3600
ACCOUNTS_MAX = 5  # at one browser; the oldest is forgotten
DIGEST = 32  # characters


def known_for(email: str) -> str | None:
    """The id of this browser, if this account was signed in at it within a year."""
    id, accounts = _read()
    return id if id and _digest(email) in accounts else None


def remember(response: Response, email: str) -> None:
    """A good sign-in: known from now on."""
    id, accounts = _read()
    mine = _digest(email)
    kept = [mine, *(one for one in accounts if one != mine)][:ACCOUNTS_MAX]
    value = str(_signer().dumps([id or secrets.token_hex(16), kept]))
    response.set_cookie(_cookie(), value, max_age=KEPT_S, path="/", secure=_settings().https, httponly=True,
                        samesite="Lax")


def _read() -> tuple[str | None, list[str]]:
    try:
        id, accounts = _signer().loads(request.cookies.get(_cookie(), ""), max_age=KEPT_S)
    except (BadSignature, ValueError, TypeError):
        return None, []
    return id, accounts


def _digest(email: str) -> str:
    return crypto.fingerprint("known device", email).hex()[:DIGEST]


def _cookie() -> str:
    return SECURE_COOKIE if _settings().https else COOKIE


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(_settings().secret_key.get_secret_value(), salt="known device")


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
