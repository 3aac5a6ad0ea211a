"""The shop as a program: what any merchant's server does, over HTTP, with the standard library."""
import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from portal.core.errors import FieldError, Invalid, NotFound, Rejected

TIMEOUT_S = 2  # for all that one page asks
ASKING_MAX = 2  # of the process's eight request threads: the gateway that is asked needs the others to answer
_asking = threading.BoundedSemaphore(ASKING_MAX)


class GatewayAway(Rejected):
    """The gateway does not answer just now. Press the button again in a moment: nothing is done twice."""

    code = "gateway_away"


class GatewayRefused(Rejected):
    """The gateway refused this order."""

    code = "gateway_refused"


Kind = Literal["payins", "payouts"]


@dataclass(frozen=True)
class Gateway:
    """The desk at `url`, asked with `token`, for one page: TIMEOUT_S from when this is made, however much is asked.

    Every call raises GatewayAway, GatewayRefused with the gateway's own words, and Invalid where it names fields.
    """

    url: str
    token: str
    until: float = field(default_factory=lambda: time.monotonic() + TIMEOUT_S)

    def create(self, kind: Kind, order: dict[str, Any], *, idempotency_key: str) -> dict[str, Any]:
        """The order, as the gateway shows it."""
        return self._ask("POST", f"/{kind}", order, {"Idempotency-Key": idempotency_key})

    def find(self, kind: Kind, external_id: str) -> dict[str, Any]:
        """The order with the shop's own number. Raises NotFound."""
        found = self._ask("GET", f"/{kind}?external_id={quote(external_id, safe='')}")["data"]
        if not found:
            raise NotFound()
        return found[0]  # type: ignore[no-any-return]

    def act(self, kind: Kind, order_id: str, step: str, said: dict[str, Any], *,
            idempotency_key: str) -> dict[str, Any]:
        """One step of one order: `cancel` answers the order, `dispute` the dispute."""
        return self._ask("POST", f"/{kind}/{quote(order_id, safe='')}/{step}", said,
                         {"Idempotency-Key": idempotency_key})

    def _ask(self, method: str, path: str, content: Any = None,
             headers: dict[str, str] | None = None) -> dict[str, Any]:
        if not _asking.acquire(blocking=False):
            raise GatewayAway()
        try:
            return self._asked(method, f"/gateway/v1{path}", content, headers or {})
        finally:
            _asking.release()

    def _asked(self, method: str, path: str, content: Any, headers: dict[str, str]) -> dict[str, Any]:
        left_s = self.until - time.monotonic()
        if left_s <= 0:
            raise GatewayAway()
        site = urlsplit(self.url)
        kind = http.client.HTTPSConnection if site.scheme == "https" else http.client.HTTPConnection
        connection = kind(site.netloc, timeout=left_s)
        try:
            connection.request(method, path, json.dumps(content) if content is not None else None,
                               {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json",
                                **headers})
            answer = connection.getresponse()
            body = json.loads(answer.read())
        except (OSError, ValueError, http.client.HTTPException):
            raise GatewayAway() from None
        finally:
            connection.close()
        if answer.status >= 400:
            raise _refusal(body)
        return body  # type: ignore[no-any-return]


def _refusal(problem: dict[str, Any]) -> Rejected | Invalid:
    """By the last name of each pointer: that is what the shop calls the field too."""
    detail, errors = problem.get("detail", ""), problem.get("errors", [])
    if not errors:
        return GatewayRefused(detail)
    return Invalid(detail, fields=[FieldError(f"/{one['field'].rpartition('/')[2]}", one["code"], one["message"])
                                   for one in errors])
