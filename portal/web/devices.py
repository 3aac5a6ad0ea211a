"""Browsers that an account was signed in at before: a signed cookie that lives long, and opens nothing.

It gives its owner a budget of wrong passwords of their own (`parties.attempts`), so that nobody who guesses from
elsewhere keeps them out, until the password is another one: whoever was let in by the old one is a stranger then. It
says too what was told here of each account, so that a notice read at one browser is still news at the next.
It names an id and digests of accounts, never an address of a person.
"""
import secrets
from datetime import datetime
from typing import NamedTuple

from flask import Response, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from portal.core import crypto
from portal.live_settings import signing_keys
from portal.settings import Settings

COOKIE, SECURE_COOKIE = "device", "__Host-device"
KEPT_S = 365 * 24 * 3600
ACCOUNTS_MAX = 5  # at one browser; the oldest is forgotten
DIGEST = 40  # characters, of which 8 name the key


class Account(NamedTuple):
    """One that was signed in at this browser: digests of its e-mail address and of which password it was."""

    email: str
    password: str
    told_until: str  # RFC 3339; empty: nothing yet


def known_for(email: str, password_version: str | None) -> str | None:
    """The id of this browser, if this account was signed in at it within a year, by the password it has now."""
    id, accounts = _read()
    found = _mine(accounts, email)
    if found is None or password_version is None:
        return None
    known = [crypto.same(found.password, print) for print in _digests(email, password_version)]
    return id if any(known) else None


def told_until(email: str) -> datetime | None:
    """Up to which moment this browser has been told what was done with the account."""
    found = _mine(_read()[1], email)
    return datetime.fromisoformat(found.told_until) if found is not None and found.told_until else None


def remember(response: Response, email: str, *, password_version: str, told: datetime | None) -> None:
    """A good sign-in, or a new password chosen here: known from now on."""
    id, accounts = _read()
    mine = Account(_digests(email)[0], _digests(email, password_version)[0], "" if told is None else told.isoformat())
    kept = [mine, *(one for one in accounts.values() if one.email not in _digests(email))][:ACCOUNTS_MAX]
    value = str(_signer().dumps([id or secrets.token_hex(16), kept]))
    response.set_cookie(_cookie(), value, max_age=KEPT_S, path="/", secure=_settings().https, httponly=True,
                        samesite="Lax")


BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("YaBrowser", "Yandex"), ("SamsungBrowser", "Samsung Internet"),
            ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"),
            ("Safari", "Safari"))
SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "macOS"),
           ("CrOS", "ChromeOS"), ("Linux", "Linux"))
SHOWN_MAX = 60


def browser_name(user_agent: str | None) -> str:
    """“Firefox · Windows”, for people who look where they are signed in; what is unknown as it calls itself."""
    if not user_agent:
        return "—"
    found = [next((name for sign, name in known if sign in user_agent), None) for known in (BROWSERS, SYSTEMS)]
    return " · ".join(name for name in found if name) or user_agent[:SHOWN_MAX]


def _read() -> tuple[str | None, dict[str, Account]]:
    """By digest of the e-mail address. A cookie of an earlier release names no password: its accounts are forgotten."""
    try:
        id, accounts = _signer().loads(request.cookies.get(_cookie(), ""), max_age=KEPT_S)
    except (BadSignature, ValueError, TypeError):
        return None, {}
    return id, {one[0]: Account(*one) for one in accounts if isinstance(one, list)}


def _mine(accounts: dict[str, Account], email: str) -> Account | None:
    return next((accounts[print] for print in _digests(email) if print in accounts), None)


def _digests(*facts: str) -> list[str]:
    """By each key, while one is changed; the current one's first."""
    return [print.hex()[:DIGEST] for print in crypto.fingerprints("known device", "\n".join(facts))]


def _cookie() -> str:
    return SECURE_COOKIE if _settings().https else COOKIE


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(signing_keys(_settings()), salt="known device")


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
