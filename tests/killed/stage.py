"""A desk of real processes behind a wire, killed again and again at one point, and what must be so afterwards."""
import http.client
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from itertools import chain
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar
from uuid import UUID

import pytest
from flask import Flask
from redis import Redis
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from portal.core import clock
from portal.files import service
from tasks import wakeups
from tests import factories as f
from tests import people
from tests.killed.wire import Stop, Wire
from tests.running import Desk, wait_for
from tests.tasks.record import Record, books_hold, seeded

T = TypeVar("T")
ENTRY, STEP = "INSERT INTO journal_entries", "INSERT INTO order_events"
KILLS = 20  # of each point
AT_ONCE_MAX = 3  # pieces of work that are due together
TAKEN_UP_WITHIN_S = 90  # on a machine that others work on too


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str


@dataclass
class Stage:
    desk: Desk
    wire: Wire
    record: Record
    folder: Path  # where files lie
    app: Flask
    chance: Any = field(default_factory=lambda: seeded(16))

    def batches(self, make: Callable[[], T]) -> list[list[T]]:
        """For each kill one to three pieces of work, made before anybody is there to do them."""
        return [[make() for _ in range(self.chance.randint(1, AT_ONCE_MAX))] for _ in range(KILLS)]

    def put_off(self, *kinds: str) -> None:
        """What is promised is not due before `due` says so."""
        self.record.change("UPDATE jobs SET run_at = now() + interval '1 day' WHERE kind = ANY(%s)", list(kinds))

    def due(self, kind: str, references: Sequence[UUID]) -> None:
        """Now, and a worker is woken."""
        self.record.change("UPDATE jobs SET run_at = now() WHERE kind = %s AND reference = ANY(%s)", kind,
                           list(references))
        wakeups.poke(kind)

    @contextmanager
    def worker_killed(self, stop: Stop) -> Iterator[None]:
        """What becomes due inside brings the worker to the stop, where it dies; half a minute later there is another.
        """
        self.wire.stop_at(stop)
        yield
        wait_for(lambda: self.wire.stands, f"the worker comes to {stop}", TAKEN_UP_WITHIN_S)
        self._killed("worker")
        self.record.change("UPDATE jobs SET leased_until = leased_until - interval '46 seconds' WHERE lease IS NOT NULL"
                           " AND unique_key NOT LIKE 'slot:%%'")  # a minute's own job is not lost for half of them

    def killed_at_work(self, stop: Stop, kind: str, batches: Sequence[Sequence[UUID]], status: str) -> list[UUID]:
        """All orders, brought to a status by a kind of work that is killed in each batch; every step stands once."""
        self.put_off(kind)
        self.desk.start("dispatcher", "worker")
        for orders in batches:
            with self.worker_killed(stop):
                self.due(kind, orders)
            self.all_are(orders, status)
        every = list(chain(*batches))
        self.told_once(every, status)
        return every

    def web_killed(self, stop: Stop | Callable[[], object], send: Callable[[], Answer]) -> None:
        """Its process dies at the stop, or once that is so, and no answer comes; then there is another."""
        if isinstance(stop, Stop):
            self.wire.stop_at(stop)
        there = (lambda: self.wire.stands) if isinstance(stop, Stop) else stop
        with ThreadPoolExecutor(1) as browser:
            asked: Future[Answer] = browser.submit(send)
            wait_for(lambda: there() or asked.done(), f"the web process comes to {stop}", TAKEN_UP_WITHIN_S)
            assert not asked.done(), asked.result()
            self._killed("web")
            with pytest.raises((OSError, http.client.HTTPException)):
                asked.result(10)

    def sitting(self, person: people.Person) -> "Sitting":
        """Somebody signed in, at a browser."""
        return Sitting(self, people.seat(self.app, person))

    def _killed(self, name: str) -> None:
        self.desk.kill(name)
        self.wire.let_go()
        with Redis.from_url(os.environ["REDIS_URL"]) as valkey:
            valkey.flushdb()  # a wake-up that died with its reader is due again in two seconds: not waited for here
        self.desk.start(name)

    def ends(self, condition: Callable[[], object], what: str) -> None:
        """Liveness: once nothing is injected any more, it comes about."""
        wait_for(condition, what, TAKEN_UP_WITHIN_S)

    def told_once(self, orders: Sequence[UUID], *statuses: str) -> None:
        """Each step of each order stands in its history once."""
        for status in statuses:
            times = self.record.one("SELECT array_agg(order_id) FROM order_events WHERE to_status = %s"
                                    " AND order_id = ANY(%s)", status, list(orders))
            assert sorted(times or []) == sorted(orders), f"{status}: each told once"

    def booked(self, kind: str, references: Sequence[UUID]) -> None:
        """Each has its one entry of the kind, and nobody else has any."""
        found = self.record.one("SELECT array_agg(reference) FROM journal_entries WHERE kind = %s", kind)
        assert sorted(found or []) == sorted(references), f"{kind}: each once"

    def whole(self) -> None:
        """The books balance, every hold has an owner (`ledger verify`), and no work has died."""
        dead = self.record.one("SELECT array_agg(DISTINCT kind || ': ' || last_error) FROM jobs"
                               " WHERE dead_at IS NOT NULL")
        assert dead is None, dead
        books_hold()

    def all_are(self, orders: Sequence[UUID], status: str) -> None:
        self.ends(lambda: self.record.one("SELECT count(*) FROM orders WHERE id = ANY(%s) AND status = %s",
                                          list(orders), status) == len(orders), f"all are {status}")

    def sweep(self, *, left_over: int) -> None:
        """No row is without bytes; bytes that no row knows are taken away after a day, and nothing else is."""
        rows = set(self.record.one("SELECT coalesce(array_agg(storage_key), '{}') FROM files"))
        assert rows <= self.kept(), "no row without bytes"
        assert len(self.kept() - rows) == left_over
        for turn in range(len(service.STARTS)):
            with clock.moved(timedelta(days=1, minutes=1, hours=turn)), f.act() as session:
                service.sweep_orphans(session)
        assert self.kept() == rows

    def kept(self) -> set[str]:
        """Keys of what lies in the storage; half-written ones by their whole name."""
        return {path.name for path in self.folder.rglob("*") if path.is_file()}


class Sitting:
    """A browser at the running desk."""

    def __init__(self, stage: Stage, seat: people.Seat | None = None, token: str = "") -> None:
        """`seat`: of somebody signed in; else `token`: what the forms of a page carry that needs no cookie."""
        self._port, self._sid = stage.desk.port, seat.sid if seat else None
        self._token = seat.token if seat else token

    def send(self, path: str, /, *, file: bytes | None = None, field: str = "file", **form: str) -> Answer:
        """A form as its page would send it; whatever asks for the password gets it."""
        parts: dict[str, Any] = {"csrf_token": self._token, "proof_password": people.PASSWORD, **form}
        if file is not None:
            parts[field] = FileStorage(BytesIO(file), "receipt.png")
        boundary, body = encode_multipart(parts)
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        if self._sid is not None:
            headers["Cookie"] = f"sid={self._sid}"
        return ask(self._port, "POST", path, body, headers)


def ask(port: int, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
    """Raises OSError, HTTPException where no answer comes."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        line.request(method, path, body, headers)
        got = line.getresponse()
        return Answer(got.status, dict(got.getheaders()), got.read().decode())
    finally:
        line.close()


def named(*stops: tuple[str, Stop | None]) -> pytest.MarkDecorator:
    """The points of a test, by the names they are told of."""
    return pytest.mark.parametrize("stop", [stop for _, stop in stops], ids=[name for name, _ in stops])


def form_key() -> str:
    """As a page makes one for each form it shows."""
    return token_hex(16)
