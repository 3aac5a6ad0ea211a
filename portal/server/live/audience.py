"""Who may listen to what: the living session behind a cookie, asked at connect and each minute, never extended."""
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from uuid import UUID

from flask import Flask
from sqlalchemy import select

from portal.core import page_events
from portal.core.access import Role
from portal.core.db import db, reader, translated
from portal.parties import sessions
from portal.parties.models import Store
from portal.parties.sessions import STAFF, SignedIn

STORES_MAX = 200


@dataclass(frozen=True)
class Listener:
    """A person at a browser, and whose news they may hear."""

    user_id: UUID
    hears: frozenset[str]


class Listeners:
    def __init__(self, app: Flask) -> None:
        self._app = app
        self._cookie: str = app.session_interface.cookie  # type: ignore[attr-defined]

    def token_in(self, header: str) -> str | None:
        """The session's token in a Cookie header."""
        try:
            found = SimpleCookie(header).get(self._cookie)
        except CookieError:
            return None
        return found.value if found is not None else None

    def find(self, token: str) -> Listener | None:
        """Blocks: call it in a thread. Raises DatabaseUnavailable."""
        with self._app.app_context():
            try:
                with translated():
                    found = sessions.find(reader(), token)
                    return None if found is None or found.is_half else Listener(found.user_id, _hears(found))
            finally:
                db.session.remove()


def _hears(found: SignedIn) -> frozenset[str]:
    """Staff of everything, a trader of his own, a merchant of her stores; all of them of the desk itself."""
    if found.role in STAFF:
        own = [page_events.STAFF]
    elif found.role is Role.TRADER and found.trader_id is not None:
        own = [page_events.trader(found.trader_id)]
    elif found.merchant_id is not None:
        stores = reader().scalars(select(Store.id).where(Store.merchant_id == found.merchant_id).limit(STORES_MAX))
        own = [*map(page_events.store, stores)]
    else:
        own = []
    return frozenset({page_events.EVERYBODY, page_events.user(found.user_id), *own})
