"""Telling open pages that something has changed: names only, after the commit, never in the way of who changed it.

`tell` gathers whom a transaction concerns; after its commit a thread of this process passes everything that has
gathered to Redis in one call, at most every PAUSE_S. Redis may lose it: pages ask again when a stream comes back.
"""
import atexit
import json
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Protocol
from uuid import UUID

import structlog
from redis import RedisError
from sqlalchemy.orm import Session

from portal.core import redis_breaker, redis_client
from portal.core.db import after_commit

PAUSE_S = 0.05
CHANNEL = "quittance:live"
STAFF = "staff"
EVERYBODY = "everybody"
"""Whoever has a page open behind a login."""
Notes = dict[str, set[str]]
"""Name of what changed → whom it concerns."""
log = structlog.get_logger("live")


def trader(id: UUID) -> str:
    return f"trader:{id}"


def store(id: UUID) -> str:
    return f"store:{id}"


def user(id: UUID) -> str:
    return f"user:{id}"


def tell(session: Session, name: str, audience: Iterable[str], *, staff: bool = True) -> None:
    """Have those pages look again once this transaction has committed. Staff hear of everything but what is one's own.

    `name`: orders, balance, requisites, deliveries, approvals, jobs, rates, …
    """
    if _telegraph is None or "after_commit" not in session.info:
        return
    after_commit(session, _Told(), once="live")
    told: _Told = session.info["after_commit"]["live"]
    told.notes.setdefault(name, set()).update(audience, (STAFF,) if staff else ())


def channel_of(url: str) -> str:
    """Channels know no database numbers, so the name carries it."""
    return f"{CHANNEL}:{redis_client.database_of(url)}"


def connect(url: str) -> None:
    """This process tells through that Redis; without it nobody is told and pages poll."""
    global _telegraph
    publisher = _telegraph = Publisher(url)
    atexit.register(publisher.close)


class _Told:
    """The notes of one transaction; called once it has committed."""

    def __init__(self) -> None:
        self.notes: Notes = {}

    def __call__(self) -> None:
        if _telegraph is not None:
            _telegraph.put(self.notes)


class Telegraph(Protocol):
    def put(self, notes: Mapping[str, set[str]]) -> None: ...


class Publisher:
    """What has gathered goes out together, in a thread of its own: a silent Redis holds up nobody."""

    def __init__(self, url: str) -> None:
        self._redis = redis_client.client(url, **redis_breaker.client_options())
        self._channel = channel_of(url)
        self._gathered: Notes = {}
        self._lock, self._filled = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False

    def put(self, notes: Mapping[str, set[str]]) -> None:
        with self._lock:
            for name, audience in notes.items():
                self._gathered.setdefault(name, set()).update(audience)
            if self._thread is None:  # with the first note: a thread does not survive a fork
                self._thread = threading.Thread(target=self._always, name="live", daemon=True)
                self._thread.start()
        self._filled.set()

    def flush(self) -> None:
        """Send what has gathered. Never raises; what a silent Redis does not take is lost."""
        with self._lock:
            gathered, self._gathered = self._gathered, {}
        if not gathered or not redis_breaker.is_closed():
            return
        message = json.dumps({name: sorted(audience) for name, audience in gathered.items()})
        try:
            self._redis.publish(self._channel, message)
        except RedisError as error:
            redis_breaker.trip(error)

    def close(self) -> None:
        """Send what has gathered and let Redis go."""
        self._closed = True
        self._filled.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()
        self._redis.connection_pool.disconnect()

    def _always(self) -> None:
        while not self._closed:
            self._filled.wait()
            self._filled.clear()
            self.flush()
            time.sleep(PAUSE_S)


_telegraph: Telegraph | None = None
