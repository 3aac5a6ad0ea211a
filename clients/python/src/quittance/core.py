"""What both clients share: how a call is written, whether it is sent again and when, and what an answer means.

Nothing here speaks or waits: `aio` and `blocking` do.
"""
import hashlib
import hmac
import random
import time
import uuid
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from quittance.errors import Refused, refused

BASE = "/gateway/v1"
VERSION = "0.1.0"
RETRIED = frozenset({408, 429, 502, 503, 504})  # where whoever answered wrote no problem document
Files = Sequence[tuple[str, bytes, str]]
"""(name, content, content type) of each file: bytes, since a file that was read once cannot be sent again."""


@dataclass(frozen=True)
class Retries:
    """How patient a client is. `attempts` counts the first one; a longer `Retry-After` than `wait_max_s` is not
    waited for but raised."""

    attempts: int = 4
    first_wait_s: float = 0.5
    wait_max_s: float = 30.0


@dataclass(frozen=True)
class Call:
    """One call. Everything but GET gets an `Idempotency-Key`, so that sending it again does it once."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    files: Files = ()
    key: str | None = None

    def __post_init__(self) -> None:
        if self.method != "GET" and self.key is None:
            object.__setattr__(self, "key", str(uuid.uuid4()))

    def sent(self) -> dict[str, Any]:
        """As httpx takes it."""
        asked: dict[str, Any] = {"method": self.method, "url": BASE + self.path,
                                 "headers": {"Idempotency-Key": self.key} if self.key else {}}
        if query := {name: _text(value) for name, value in self.query.items() if value is not None}:
            asked["params"] = query
        if self.files:
            asked["files"] = [("file", one) for one in self.files]
        elif self.body is not None:
            asked["json"] = self.body
        return asked


class Signing(httpx.Auth):
    """Signs each request as it goes out, a retry anew: a signature counts once."""

    requires_request_body = True

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        timestamp = f"{time.time():.6f}"
        text = "\n".join(("v1", timestamp, request.method, request.url.raw_path.decode("ascii"),
                          request.headers.get("Idempotency-Key", ""), hashlib.sha256(request.content).hexdigest()))
        request.headers["Quittance-Timestamp"] = timestamp
        request.headers["Quittance-Signature"] = f"v1={hmac.digest(self._secret, text.encode(), 'sha256').hex()}"
        yield request


def settings(api_key: str, base_url: str, *, timeout_s: float, signing_secret: str | None) -> dict[str, Any]:
    """Of the httpx client."""
    return {"base_url": base_url.rstrip("/"), "timeout": httpx.Timeout(timeout_s, connect=min(timeout_s, 5.0)),
            "follow_redirects": False, "auth": Signing(signing_secret) if signing_secret else None,
            "headers": {"Authorization": f"Bearer {api_key}", "Accept": "application/json",
                        "User-Agent": f"quittance-python/{VERSION}"}}


def result(call: Call, response: httpx.Response) -> Any:
    """What was answered. Raises Refused."""
    if response.is_success:
        return response.json()
    raise refusal(call, response)


def refusal(call: Call, response: httpx.Response) -> Refused:
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"retryable": response.status_code in RETRIED}
    return refused(response.status_code, problem, _retry_after_s(response), call.key)


def wait_s(retries: Retries, attempt: int, found: Exception) -> float | None:
    """How long to wait before the next attempt (`attempt` is the one that just failed, from 1); None: give up."""
    if attempt >= retries.attempts:
        return None
    backoff: float = min(retries.first_wait_s * 2 ** (attempt - 1), retries.wait_max_s)
    backoff *= random.uniform(0.5, 1.0)  # a thousand shops shall not come back at once
    if not isinstance(found, Refused):
        return backoff
    if not found.retryable or (found.retry_after_s or 0) > retries.wait_max_s:
        return None
    return max(found.retry_after_s or 0, backoff)


def _retry_after_s(response: httpx.Response) -> float | None:
    said: str = response.headers.get("Retry-After", "")
    if said.isascii() and said.isdigit():
        return float(said)
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _text(value: Any) -> str:
    """As the gateway reads it in an address: several with commas between, times as RFC 3339 in UTC."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time needs its zone: datetime.now(UTC)")
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
