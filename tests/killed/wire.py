"""A wire to PostgreSQL at which a process stands still: at a named statement, before its commit, or after it.

It lies between the desk's processes and the server's socket and reads what is asked. The process itself knows nothing
of it: no point of failure stands in the code, and whatever it runs is what a desk runs.
"""
import asyncio
import shutil
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Literal, NamedTuple, TypeVar

from sqlalchemy.engine import URL, make_url

T = TypeVar("T")
CHUNK = 65536
COMPLETE, COMMITTED = b"C", b"COMMIT\0"
READY, IDLE = b"Z", b"I"  # and in no transaction


class Stop(NamedTuple):
    """Where a process stands still: in its first transaction with a statement that has `seen` in it.

    `of`: web, loop or worker, as its connections are called. `at` statement: before that statement; commit: all is
    written and nothing committed; committed: PostgreSQL has committed, and its answer does not arrive. A statement that
    is a transaction of its own knows no moment between the two: nobody comes to its `commit`.
    """

    of: str
    seen: str
    at: Literal["statement", "commit", "committed"]


@dataclass
class _Line:
    """One connection of a process."""

    hello: bytes  # with the name of who connects
    prepared: dict[bytes, str] = field(default_factory=dict)  # name → statement
    begun: bool = False  # a transaction, by its name
    hit: bool = False  # the transaction under way has the statement in it
    deaf: bool = False  # nothing that the server says arrives any more


class Wire:
    """`stop_at` arms it for one stop, whichever process comes there first; `let_go` disarms it."""

    def __init__(self, to: URL) -> None:
        host = str(to.query.get("host") or to.host or "127.0.0.1")
        self._to = f"{host}/.s.PGSQL.{to.port or 5432}" if host.startswith("/") else host
        self._to_port = to.port or 5432
        self.folder = Path(mkdtemp(prefix="wire"))
        self._stop: Stop | None = None
        self._stands = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self._thread.start()
        self._server = self._do(asyncio.start_unix_server(self._taken, self.folder / ".s.PGSQL.5432"))

    def url(self, of: str) -> str:
        """That address by way of this wire."""
        url = make_url(of)
        return URL.create(url.drivername, url.username, url.password, database=url.database,
                          query={"host": str(self.folder)}).render_as_string(hide_password=False)

    def stop_at(self, stop: Stop) -> None:
        self._stands.clear()
        self._stop = stop

    @property
    def stands(self) -> bool:
        """Whether somebody stands there."""
        return self._stands.is_set()

    def let_go(self) -> None:
        """Who comes from now on passes; who stands there is to be killed, and is not waited for."""
        self._stop = None

    def close_lines(self) -> None:
        """Everybody is hung up on."""
        self._do(self._hang_up())

    def close(self) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        shutil.rmtree(self.folder)

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _end(self) -> None:
        self._server.close()
        await self._hang_up()

    async def _hang_up(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for one in others:
            one.cancel()
        if others:
            await asyncio.wait(others, timeout=5)

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await (asyncio.open_unix_connection(self._to) if self._to.startswith("/")
                             else asyncio.open_connection(self._to, self._to_port))
        tasks = []
        try:
            hello = await _message(reader, kind=False)
            back.write(hello)
            line = _Line(hello)
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                tasks = [asyncio.ensure_future(self._forth(reader, back, line)),
                         asyncio.ensure_future(self._back(there, writer, line))]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:  # one end is gone: so is the other, as where the kernel closes a dead process's sockets
            for task in tasks:
                task.cancel()
            for one in (writer, back):
                one.transport.abort()

    async def _forth(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter, line: _Line) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                message = await _message(reader)
                statement = _statement(message, line)
                if statement is not None and self._is_here(statement, line):
                    self._stands.set()
                    while await reader.read(CHUNK):  # until it is dead
                        pass
                    return
                back.write(message)

    def _is_here(self, statement: str, line: _Line) -> bool:
        """Whether its sender stands still before it."""
        stop, word = self._stop, statement.strip().rstrip(";").upper()
        ends, alone = word in ("COMMIT", "ROLLBACK"), not line.begun and not word.startswith("BEGIN")
        line.begun = not ends and not alone
        if stop is None or self._stands.is_set() or f"quittance-{stop.of}\0".encode() not in line.hello:
            return False
        hit, line.hit = line.hit or stop.seen in statement, False
        if ends or alone:
            commits = hit and word != "ROLLBACK"
            line.deaf = line.deaf or (commits and stop.at == "committed")
            return commits and stop.at == ("commit" if ends else "statement")
        line.hit = hit
        return stop.at == "statement" and hit

    async def _back(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, line: _Line) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                message = await _message(there)
                if not line.deaf:
                    writer.write(message)
                elif (message[:1], message[5:]) in ((COMPLETE, COMMITTED), (READY, IDLE)):
                    self._stands.set()


async def _message(reader: asyncio.StreamReader, *, kind: bool = True) -> bytes:
    """One message of PostgreSQL's protocol: a letter (none before all others), four bytes of length, and the rest."""
    head = await reader.readexactly(5 if kind else 4)
    return head + await reader.readexactly(int.from_bytes(head[-4:], "big") - 4)


def _statement(message: bytes, line: _Line) -> str | None:
    """The statement that this message has executed, if it is one that does."""
    body = message[5:]
    match message[:1]:
        case b"Q":
            return body.rstrip(b"\0").decode()
        case b"P":
            name, text, _ = body.split(b"\0", 2)
            line.prepared[name] = text.decode()
        case b"B":
            return line.prepared[body.split(b"\0", 2)[1]]
    return None


@contextmanager
def wire_to(address: str) -> Iterator[Wire]:
    wire = Wire(make_url(address))
    try:
        yield wire
    finally:
        wire.close()
