"""A store's system that calls the gateway of a running desk, and times it."""
import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests import factories
from tests.running import Desk


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    took_s: float

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


class Caller:
    """One key over HTTP; a connection per call."""

    def __init__(self, port: int, token: str, method: str) -> None:
        self.port, self.token, self.method = port, token, method

    def payin(self, number: int) -> Answer:
        """Order `number` of this caller: the same key and body whenever it is sent."""
        return self.call("POST", "/gateway/v1/payins", {
            "external_id": f"order-{number}", "amount": f"{100 + number}.00", "currency": "RUB",
            "method": self.method}, key=f"key-{number}")

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, key: str = "",
             more: Mapping[str, str] | None = None) -> Answer:
        """`more`: headers."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **(more or {})}
        if key:
            headers["Idempotency-Key"] = key
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        started = time.monotonic()
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content,
                      time.monotonic() - started)


def caller_of(desk: Desk, cast: factories.Cast) -> Caller:
    token = desk.flask("keys", "create", "--store", cast.store.slug, "--mode", "live").splitlines()[-1]
    return Caller(desk.port, token, cast.method)
