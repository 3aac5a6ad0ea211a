"""What a process remembers of API keys, and the thread that hears when it must forget.

Nothing is remembered unless the listener answered within the last second: a listener that lost its connection
without noticing would otherwise leave a revoked key open. Keys that are in use are looked up again by the listener,
all together, before their time is over and after everything had to be forgotten, so that no call waits for it.

It counts as listening only once it has heard itself, told by another connection: behind a pooler that hands the
server's connection on after each statement nobody hears anything, and nothing else would say so.
"""
import select
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from heapq import nsmallest
from typing import Any
from uuid import UUID, uuid4

import psycopg
import structlog
from psycopg import Connection, Notify
from sqlalchemy import URL, Engine, make_url

from portal.parties import key_cache
from portal.parties.key_cache import FoundKey

CHANNEL = "keys"
REMEMBERED_S = 10.0
RENEWED_S = 4.0  # before that time is over
WANTED_S = 300.0  # since a key was last asked for: so long it is looked up again
RENEWED_MAX = 500  # keys a beat
REMEMBERED_MAX = 10_000  # keys
BEAT_S = 0.4
ALIVE_FOR_S = 1.0  # since the listener's last answer
AGAIN_S = 1.0  # after a lost connection
HEARD_WITHIN_S = 3.0  # what one tells oneself; then the connection is no good
HELLO = "hello "  # begins what a listener tells itself
WRITE_EVERY_S = 60.0  # "last used"
log = structlog.get_logger("keys")

USED = """UPDATE api_keys SET last_used_at = %(at)s, last_used_address = COALESCE(%(address)s, last_used_address)
          WHERE id = %(id)s AND (last_used_at IS NULL OR last_used_at < %(at)s)"""


class Deaf(Exception):
    """What is told at DATABASE_URL is not heard: DATABASE_DIRECT_URL must lead past every pooler to its database."""


class Watch:
    """Of one database."""

    def __init__(self, direct_url: str, told_by_url: str | None = None) -> None:
        """`told_by_url`: where those that tell are connected; libpq's spelling."""
        self.generation = 0
        self._direct_url, self._told_by_url = direct_url, told_by_url or direct_url
        self._hello, self._heard_itself = "", False
        self._found: dict[bytes, tuple[FoundKey, float]] = {}
        self._wanted: dict[bytes, tuple[str, float]] = {}  # by digest: the public id, when it was last asked for
        self._used: dict[UUID, tuple[datetime, str | None]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._answered_at = float("-inf")
        self._written_at = time.monotonic()
        self._said = set[str]()  # of this outage

    def recall(self, digest: bytes) -> FoundKey | None:
        """A key found here within the last seconds, while the listener is known to live."""
        self.start()
        now, found = time.monotonic(), self._found.get(digest)
        if found is None or now >= found[1] or not self.is_listening:
            return None
        self._wanted[digest] = found[0].public_id, now
        return found[0]

    def is_forgotten(self, digest: bytes) -> bool:
        """Looked at without asking for it, so that it is not renewed."""
        found = self._found.get(digest)
        return found is None or time.monotonic() >= found[1]

    def remember(self, digest: bytes, key: FoundKey, generation: int) -> None:
        """`generation` as it was before the look-up: a key revoked meanwhile is not remembered."""
        if len(self._wanted) >= REMEMBERED_MAX:
            self._wanted.clear()
        self._wanted[digest] = key.public_id, time.monotonic()
        self._keep(digest, key, generation)

    def _keep(self, digest: bytes, key: FoundKey, generation: int) -> None:
        with self._lock:
            if generation != self.generation or not self.is_listening:
                return
            if len(self._found) >= REMEMBERED_MAX:
                self._found.clear()
            self._found[digest] = key, time.monotonic() + REMEMBERED_S

    def used(self, key_id: UUID, at: datetime, address: str | None) -> None:
        self._used[key_id] = at, address or self._used.get(key_id, (at, None))[1]

    @property
    def is_listening(self) -> bool:
        return time.monotonic() - self._answered_at < ALIVE_FOR_S

    def forget(self, *_: object) -> None:
        """Everything: revocations are rare, looking up is cheap."""
        with self._lock:
            self.generation += 1
            self._found.clear()

    def start(self) -> None:
        """At the latest on the first key.

        Never on import: the thread belongs to the process that serves, not to the one that forked it.
        """
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._stopping.clear()
                self._thread = threading.Thread(target=self._listen_always, name="keys", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """The process lets go of this database; it starts again with the next key."""
        thread = self._thread
        self._stopping.set()
        if thread is not None:
            thread.join(AGAIN_S + BEAT_S)

    def _listen_always(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except (psycopg.Error, OSError, Deaf) as error:
                self._say(error)
            self._answered_at = float("-inf")
            self.forget()
            self._stopping.wait(AGAIN_S)

    def _say(self, error: Exception) -> None:
        """Once an outage, not every second of it; what only the operator can mend is an error."""
        kind = type(error).__name__
        if kind in self._said:
            return
        self._said.add(kind)
        if isinstance(error, Deaf):
            log.error("keys_not_heard", error=(Deaf.__doc__ or "").strip())
        else:
            log.warning("keys_not_heard", error=kind)

    def _listen(self) -> None:
        with self._connected(self._direct_url) as connection:
            connection.add_notify_handler(self._hear)
            connection.execute(f"LISTEN {CHANNEL}")
            self._tell_itself(connection)
            self.forget()  # what was told before we listened
            self._said.clear()
            while not self._stopping.is_set():
                connection.execute("SELECT 1")  # takes in what was told, and shows that we would hear it
                self._answered_at = time.monotonic()
                self._renew(connection)
                self._write(connection)
                select.select([connection], [], [], BEAT_S)

    def _connected(self, url: str) -> Connection[tuple[Any, ...]]:
        """A standby tells nobody anything: it is refused."""
        return psycopg.connect(url, autocommit=True, connect_timeout=3, application_name="quittance-keys",
                               target_session_attrs="read-write", tcp_user_timeout=2000)

    def _hear(self, told: Notify) -> None:
        if not told.payload.startswith(HELLO):
            self.forget()
        elif told.payload == self._hello:
            self._heard_itself = True

    def _tell_itself(self, connection: Connection[tuple[Any, ...]]) -> None:
        """Raises Deaf."""
        self._hello, self._heard_itself = f"{HELLO}{uuid4()}", False
        with self._connected(self._told_by_url) as teller:
            teller.execute("SELECT pg_notify(%s, %s)", [CHANNEL, self._hello], prepare=False)
        until = time.monotonic() + HEARD_WITHIN_S
        while not self._heard_itself:
            if self._stopping.is_set() or time.monotonic() > until:
                raise Deaf()
            select.select([connection], [], [], BEAT_S / 4)
            connection.execute("SELECT 1", prepare=False)

    def _renew(self, connection: Connection[tuple[Any, ...]]) -> None:
        """Look up again what is wanted and forgotten, or soon will be. A key that is gone or changed is not renewed.

        The longest forgotten first: of more than go into a beat the same ones were taken each time.
        """
        now, generation, due = time.monotonic(), self.generation, list[tuple[float, str, bytes]]()
        for digest, (public_id, asked_at) in list(self._wanted.items()):
            found = self._found.get(digest)
            if now - asked_at > WANTED_S:
                self._wanted.pop(digest, None)
            elif found is None or found[1] < now + RENEWED_S:
                due.append((0.0 if found is None else found[1], public_id, digest))
        asked = {public_id: digest for _, public_id, digest in nsmallest(RENEWED_MAX, due)}
        rows: Sequence[Any] = connection.execute(key_cache.LOOK_UP, [list(asked)]).fetchall() if asked else ()
        for key in map(key_cache.read, rows):
            if key.digest == asked.get(key.public_id):
                self._keep(asked.pop(key.public_id), key, generation)
        for digest in asked.values():
            self._wanted.pop(digest, None)

    def _write(self, connection: Connection[tuple[object, ...]]) -> None:
        if not self._used or time.monotonic() - self._written_at < WRITE_EVERY_S:
            return
        used, self._used, self._written_at = self._used, {}, time.monotonic()
        with connection.cursor() as cursor:
            # one transaction: by id, so that two processes that write of the same keys never wait in a circle
            cursor.executemany(USED, [{"id": id, "at": used[id][0], "address": used[id][1]} for id in sorted(used)])


_watches: dict[URL, Watch] = {}


def configure(sqlalchemy_url: str, direct_url: str) -> None:
    """The application factory says where to listen: past a pooler. Nothing starts yet."""
    told_by = make_url(sqlalchemy_url).set(drivername="postgresql").render_as_string(hide_password=False)
    _watches.setdefault(make_url(sqlalchemy_url), Watch(direct_url, told_by))


def stop(sqlalchemy_url: URL) -> None:
    """Before the database goes."""
    if sqlalchemy_url in _watches:
        _watches[sqlalchemy_url].stop()


@cache
def of(engine: Engine) -> Watch:
    """The watch of this database."""
    return _watches[engine.url]
