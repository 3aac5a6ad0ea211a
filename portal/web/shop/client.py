"""The shop as a program: what any merchant's server does, over HTTP, with the standard library."""
import http.client
import json
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from portal.core.errors import NotFound, Rejected

TIMEOUT_S = 2
ASKING_MAX = 2  # of the process's eight request threads: the gateway that is asked needs the others to answer
_asking = threading.BoundedSemaphore(ASKING_MAX)


class GatewayAway(Rejected):
    """The gateway does not answer just now. Nothing was bought; press the button again in a moment."""

    code = "gateway_away"


class GatewayRefused(Rejected):
    """The gateway refused this order."""

    code = "gateway_refused"


@dataclass(frozen=True)
class Gateway:
    """The desk at `url`, asked with `token`."""

    url: str
    token: str

    def create(self, order: dict[str, Any], *, idempotency_key: str) -> dict[str, Any]:
        """A payin, as the gateway shows it. Raises GatewayAway, GatewayRefused with the gateway's own words."""
        return self._ask("POST", "/gateway/v1/payins", order, {"Idempotency-Key": idempotency_key})

    def find(self, external_id: str) -> dict[str, Any]:
        """The payin with the shop's own number. Raises NotFound, GatewayAway, GatewayRefused."""
        found = self._ask("GET", f"/gateway/v1/payins?external_id={quote(external_id, safe='')}")["data"]
        if not found:
            raise NotFound()
        return found[0]  # type: ignore[no-any-return]

    def _ask(self, method: str, path: str, content: Any = None,
             headers: dict[str, str] | None = None) -> dict[str, Any]:
        if not _asking.acquire(blocking=False):
            raise GatewayAway()
        try:
            return self._asked(method, path, content, headers or {})
        finally:
            _asking.release()

    def _asked(self, method: str, path: str, content: Any, headers: dict[str, str]) -> dict[str, Any]:
        site = urlsplit(self.url)
        kind = http.client.HTTPSConnection if site.scheme == "https" else http.client.HTTPConnection
        connection = kind(site.netloc, timeout=TIMEOUT_S)
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
            raise GatewayRefused(detail=body.get("detail"), status=answer.status)
        return body  # type: ignore[no-any-return]
