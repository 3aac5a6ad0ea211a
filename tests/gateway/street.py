"""The fast road of creates with Flask behind it, as `asgi.py` puts them together, without a socket."""
import asyncio
import json
from collections.abc import Coroutine
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any, TypeVar

from portal.core.ids import new_id
from portal.server.fast_create import PATH, FastCreate
from portal.server.wsgi_bridge import Bridge

T = TypeVar("T")


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self):
        return json.loads(self.body)


class Street:
    """The lane with Flask behind it, and how often somebody had to take the ordinary road."""

    def __init__(self, app) -> None:
        self.by_road, self._bridge = 0, Bridge(app, threads=8)
        self.lane = FastCreate(self._road, app)
        self.front: Any = self.lane  # whatever stands before it
        self._loop = asyncio.Runner()

    async def _road(self, scope, receive, send) -> None:
        self.by_road += 1
        await self._bridge(scope, receive, send)

    def post(self, shop: Any, *bodies: object, keys: list[str] | None = None, **changed: str) -> list[Answer]:
        """All at the same moment; `changed`: headers, with _ for -."""
        async def all_of_them() -> list[Answer]:
            return await asyncio.gather(*[
                self.one(shop, body, (keys or [new_id().hex for _ in bodies])[at], changed)
                for at, body in enumerate(bodies)])

        return self.run(all_of_them())

    def run(self, scenario: Coroutine[Any, Any, T]) -> T:
        """On the street's loop, without the test's Flask context, which the threads behind the bridge would share."""
        return Context().run(self._loop.run, scenario)

    def send(self, body: bytes, headers: dict[str, str]) -> Answer:
        """One call with exactly these headers."""
        async def call() -> Answer:
            return await self._send(body, {"host": "127.0.0.1", "content-length": str(len(body))} | headers)

        return self.run(call())

    def close(self) -> None:
        self._loop.run(self.lane.close())
        self._loop.close()

    async def one(self, shop: Any, body: object, key: str, changed: dict[str, str]) -> Answer:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"host": "127.0.0.1", "authorization": f"Bearer {shop.token}", "content-type": "application/json",
                   "idempotency-key": key, "content-length": str(len(sent))}
        return await self._send(sent, headers | {name.replace("_", "-"): value for name, value in changed.items()})

    async def _send(self, sent: bytes, headers: dict[str, str]) -> Answer:
        scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": PATH, "query_string": b"",
                 "scheme": "http", "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", 80),
                 "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}
        answer, waiting = Answer(), asyncio.Event()

        async def receive() -> dict[str, object]:
            if waiting.is_set():
                await asyncio.sleep(60)
            waiting.set()
            return {"type": "http.request", "body": sent, "more_body": False}

        async def send(message) -> None:
            if "status" in message:
                answer.status = message["status"]
                answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            answer.body += message.get("body", b"")

        await self.front(scope, receive, send)
        return answer
