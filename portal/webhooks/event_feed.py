"""Events as a listener looks for them: at another desk with a test key over HTTP, or at this one by its database."""
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from uuid import UUID

from sqlalchemy import select

from portal.core.access import SYSTEM
from portal.core.clock import rfc3339
from portal.core.db import reader, transaction
from portal.webhooks import queries, service, view
from portal.webhooks.commands import CreateEndpoint
from portal.webhooks.models import Endpoint, EndpointKind, EndpointStatus
from portal.webhooks.payload import names

PAGES_MAX = 50  # of a hundred events, in one look
TIMEOUT_S = 20.0
INBOX = "for `flask webhooks listen`"


class Refusal(Exception):
    """The desk says no, in words for whoever listens. `wait_s`: it may be asked again then."""

    def __init__(self, said: str, wait_s: float | None = None) -> None:
        super().__init__(said)
        self.wait_s = wait_s


@dataclass(frozen=True)
class Remote:
    """A desk anywhere, by a test key with the scope `webhooks:manage`."""

    url: str
    key: str

    def since(self, moment: datetime) -> Iterator[dict[str, Any]]:
        """Raises Refusal."""
        asked = {"created_from": rfc3339(moment), "limit": "100"}
        for _ in range(PAGES_MAX):
            page = self._call("GET", f"/events?{urlencode(asked, quote_via=quote)}")[0]
            yield from page["data"]
            if page["next_cursor"] is None:
                return
            asked["cursor"] = page["next_cursor"]

    def open_inbox(self) -> datetime:
        """Events are kept where some endpoint wants them: an inbox does. Returns the desk's time. Raises Refusal."""
        if not self.key.startswith("qk_test_"):
            raise Refusal("Only test events are forwarded: name a key that begins with qk_test_.")
        page, now = self._call("GET", "/webhook-endpoints?limit=100")
        if not any(one["kind"] == "inbox" and one["status"] == "active" for one in page["data"]):
            self._call("POST", "/webhook-endpoints", {"kind": "inbox", "events": ["*"], "description": INBOX})
        return now

    def _call(self, method: str, path: str, body: object = None) -> tuple[Any, datetime]:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, f"{parts.path.rstrip('/')}/gateway/v1{path}",
                               None if body is None else json.dumps(body),
                               {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"})
            answer = connection.getresponse()
            said = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Refusal(f"{self.url} does not answer: {error}", wait_s=5.0) from None
        finally:
            connection.close()
        if answer.status >= 400:
            wait = float(answer.headers.get("Retry-After", 5)) if said.get("retryable") else None
            raise Refusal(f"{said.get('code')}: {said.get('detail')} ({said.get('request_id')})", wait)
        return said, parsedate_to_datetime(answer.headers["Date"])


@dataclass(frozen=True)
class Local:
    """This desk's own database, for who runs it."""

    store_id: UUID

    def since(self, moment: datetime) -> Iterator[dict[str, Any]]:
        cursor, session = None, reader()
        for _ in range(PAGES_MAX):
            page = queries.events(session, SYSTEM, store_id=self.store_id, live=False, since=moment, cursor=cursor)
            named = names(session, [row.payload for row in page.rows])
            yield from [view.event(row, named, with_link=True) for row in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                break
        session.rollback()  # the next look is to see what was committed since

    def open_inbox(self) -> None:
        """As `Remote.open_inbox`."""
        with transaction() as session:
            if session.scalar(select(Endpoint.id).where(
                    Endpoint.store_id == self.store_id, Endpoint.live.is_(False), Endpoint.kind == EndpointKind.INBOX,
                    Endpoint.status == EndpointStatus.ACTIVE).limit(1)) is None:
                service.create_endpoint(session, SYSTEM, CreateEndpoint(
                    kind="inbox", events=["*"], description=INBOX), store_id=self.store_id, live=False)


START_EARLIER = timedelta(seconds=1)  # a Date header has whole seconds
