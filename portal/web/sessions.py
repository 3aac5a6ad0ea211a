"""What a browser's pages remember: the values of its session row, or of a signed cookie while nobody is signed in.

One `SessionInterface` for Flask-Login and Flask-WTF. Nothing is read until a page asks, nothing is written unless
something changed; being used is written once a minute at most.
"""
import secrets
from collections.abc import Iterator
from typing import Any

import structlog
from flask import Flask, Request, Response, request
from flask.sessions import SessionInterface, SessionMixin
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.exc import SQLAlchemyError

from portal.core import clock
from portal.core.db import reader, transaction, translated
from portal.core.errors import PortalError
from portal.parties import sessions
from portal.parties.sessions import SignedIn
from portal.web import htmx

log = structlog.get_logger("web")
KEPT_ANONYMOUS = ("csrf_token", "_flashes")
LIVE = "/live"


class PortalSession(SessionMixin):
    """A mapping that is fetched when first looked at."""

    def __init__(self, token: str | None, anonymous: dict[str, Any]) -> None:
        self.token, self.signed_in = token, None
        self._anonymous = anonymous
        self._values: dict[str, Any] | None = None
        self.stale_cookie = self.new_cookie = self.modified = False

    signed_in: SignedIn | None

    @property
    def values_now(self) -> dict[str, Any]:
        """Raises DatabaseUnavailable the first time; a page that apologises for that needs none."""
        if self._values is None:
            self._values = self._anonymous
            if self.token is not None:
                with translated():
                    self.signed_in = sessions.find(reader(), self.token)
                self.stale_cookie = self.signed_in is None
                if self.signed_in is not None:
                    self._values = self.signed_in.values
        return self._values

    @property
    def was_read(self) -> bool:
        return self._values is not None

    def begin(self, token: str) -> None:
        """This browser is signed in from now on, by a new token."""
        self.token, self._values, self.new_cookie, self.modified = token, None, True, False

    def forget(self) -> None:
        """Nobody is signed in at this browser any more."""
        self.token, self.signed_in, self._values, self._anonymous = None, None, {}, {}
        self.stale_cookie, self.new_cookie, self.modified = True, False, False

    def __getitem__(self, name: str) -> Any:
        return self.values_now[name]

    def __setitem__(self, name: str, value: Any) -> None:
        if self.values_now.get(name) != value or name not in self.values_now:
            self.values_now[name] = value
            self.modified = True

    def __delitem__(self, name: str) -> None:
        del self.values_now[name]
        self.modified = True

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_now)

    def __len__(self) -> int:
        return len(self.values_now)


class RowSessions(SessionInterface):
    """`https`: the cookies are `__Host-…`, which a neighbour's host cannot set; plain in development."""

    def __init__(self, *, secret_keys: list[str], https: bool) -> None:
        self._https = https
        self.cookie, self.anonymous_cookie = ("__Host-sid", "__Host-csrf") if https else ("sid", "csrf")
        self.sign_with(secret_keys)

    def sign_with(self, keys: list[str]) -> None:
        """The last one signs, all are accepted."""
        self._signer = URLSafeSerializer(keys, salt="anonymous pages")

    def open_session(self, app: Flask, request: Request) -> PortalSession | None:
        if request.path.startswith("/gateway/"):
            return None  # a program has no cookies
        return PortalSession(request.cookies.get(self.cookie), self._anonymous(request))

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        """Cookies and rows after a page: only what changed."""
        if not session.was_read and not session.new_cookie:
            return
        response.vary.add("Cookie")
        if session.new_cookie:
            self._set(response, self.cookie, session.token)
            self._delete(response, self.anonymous_cookie)
        elif session.stale_cookie:
            self._delete(response, self.cookie)
        if session.signed_in is not None:
            _write(session)
        elif (session.modified and session.token is None) or (session.stale_cookie and session.modified):
            kept = {name: session[name] for name in KEPT_ANONYMOUS if name in session}
            self._set(response, self.anonymous_cookie, str(self._signer.dumps(kept)))

    def _anonymous(self, request: Request) -> dict[str, Any]:
        try:
            values = self._signer.loads(request.cookies.get(self.anonymous_cookie, ""))
        except BadSignature:
            return {}
        return values if isinstance(values, dict) else {}

    def _set(self, response: Response, name: str, value: str) -> None:
        response.set_cookie(name, value, path="/", secure=self._https, httponly=True, samesite="Lax")

    def _delete(self, response: Response, name: str) -> None:
        response.delete_cookie(name, path="/", secure=self._https, httponly=True, samesite="Lax")


def first_values() -> dict[str, Any]:
    """What a new session starts with, so that its first page has nothing to write."""
    return {"csrf_token": secrets.token_hex(32), "_fresh": True}


def is_use() -> bool:
    """A person did something: not a page that polls, nor a stream."""
    return not htmx.is_poll() and request.path != LIVE


def _write(session: PortalSession) -> None:
    signed_in = session.signed_in
    assert signed_in is not None
    due = is_use() and clock.now() - signed_in.seen_at >= sessions.SEEN_EVERY
    if not due and not session.modified:
        return
    try:
        with transaction() as database:
            if session.modified:
                sessions.keep(database, signed_in.session_id, session.values_now)
            if due:
                sessions.touch(database, signed_in.session_id)
    except (SQLAlchemyError, PortalError) as error:  # the page itself is done: it is not taken back for this
        log.warning("session_not_written", error=type(error).__name__)
