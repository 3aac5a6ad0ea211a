"""Two PostgreSQL nodes from the wheel, the second a synchronous standby of the first, and an address that moves."""
import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from tests.running import children_of, free_port, wait_for
from tests.tasks.servers import OwnPostgres

STANDBY_PORT = "5433"  # a part of the socket's name: neither node listens on an address
T = TypeVar("T")


class Pair:
    """`first` is there, migrated and durable; `follow` makes the standby from it."""

    def __init__(self, first: OwnPostgres) -> None:
        self._first, self._server = first, first.server
        self._data = self._server.place / "standby"
        self._memory: str | None = None  # what a killed postmaster leaves in the kernel
        self.first_socket = self._server.sockets / ".s.PGSQL.5432"
        self.second_socket = self._server.sockets / f".s.PGSQL.{STANDBY_PORT}"

    def follow(self) -> None:
        """From now on nothing counts as committed that does not lie on both."""
        self._data.mkdir(mode=0o700)
        os.chown(self._data, self._server.account.pw_uid, self._server.account.pw_gid)
        self._run("pg_basebackup", "-D", str(self._data), "-R", "-X", "stream", "-c", "fast", "-d",
                  f"host={self._server.sockets} port=5432 user=postgres password={self._first.password}"
                  " application_name=standby")
        self._run("pg_ctl", "start", "-D", str(self._data), "-w", "-l", str(self._data / "server.log"),
                  "-o", f"-k '{self._server.sockets}' -p {STANDBY_PORT}")
        self._ask("ALTER SYSTEM SET synchronous_standby_names = 'standby';")
        self._ask("SELECT pg_reload_conf();")
        wait_for(lambda: self._ask("SELECT sync_state FROM pg_stat_replication;") == "sync", "the standby follows")

    def power_off(self) -> None:
        """The primary's machine is gone: kill -9 to every process of it, at once."""
        facts = (self._server.data / "postmaster.pid").read_text().split("\n")
        postmaster, self._memory = int(facts[0]), facts[6].split()[1]
        for pid in [postmaster, *children_of(postmaster)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def promote(self) -> None:
        """The standby is the primary now, with one copy."""
        self._run("pg_ctl", "promote", "-D", str(self._data), "-w")

    def show_to_the_desk(self) -> None:
        """How far the standby is, as `doctor` says that it must be granted."""
        self._ask("GRANT pg_read_all_stats TO quittance_app;")

    def hold_back(self) -> None:
        """The standby receives and does not show it; nothing waits for that but who reads there."""
        self._ask_standby("SELECT pg_wal_replay_pause();")
        wait_for(lambda: self._ask_standby("SELECT pg_get_wal_replay_pause_state();") == "paused", "it stands still")

    def let_go(self) -> None:
        self._ask_standby("SELECT pg_wal_replay_resume();")

    def standby_off(self) -> None:
        """And nobody waits for it any more."""
        self._ask("ALTER SYSTEM SET synchronous_standby_names = '';")
        self._ask("SELECT pg_reload_conf();")
        self._run("pg_ctl", "stop", "-D", str(self._data), "-m", "immediate", "-w")

    def close(self) -> None:
        if self._data.exists():
            self._server._as_service([str(self._server.binaries / "bin" / "pg_ctl"), "stop", "-D", str(self._data),
                                      "-m", "immediate", "-w"], check=False)
        if self._memory is not None:
            subprocess.run(["ipcrm", "-m", self._memory], check=False)

    def _ask(self, script: str) -> str:
        return self._server.sql(script, password=self._first.password)

    def _ask_standby(self, script: str) -> str:
        with psycopg.connect(host=str(self._server.sockets), port=STANDBY_PORT, user="postgres", dbname="postgres",
                             password=self._first.password, autocommit=True) as connection:
            row = connection.execute(script).fetchone()
        return "" if row is None else str(row[0])

    def _run(self, program: str, *options: str) -> None:
        done = self._server._as_service([str(self._server.binaries / "bin" / program), *options], check=False)
        assert done.returncode == 0, done.stdout + done.stderr


class MovingAddress:
    """A port that leads to one server's socket. Moved, it hangs up on everybody; `taken` counts who came since."""

    def __init__(self, to: Path) -> None:
        self.port, self.taken = free_port(), 0
        self._to = to
        self._lines: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="address", daemon=True)
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._pass_on, "127.0.0.1", self.port))

    def lead_to(self, socket: Path) -> None:
        self._do(self._move(socket))

    def close(self) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _move(self, socket: Path) -> None:
        self._to, self.taken = socket, 0
        for line in tuple(self._lines):
            line.transport.abort()

    async def _end(self) -> None:
        self._server.close()
        await self._move(self._to)
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=5)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to = self._to
        ours = {writer}
        self._lines |= ours
        try:
            there, back = await asyncio.open_unix_connection(str(to))
            ours = {writer, back}
            self._lines |= ours
            if to == self._to:  # not moved while we rang
                self.taken += 1
                await asyncio.gather(_pipe(reader, back), _pipe(there, writer))
        except OSError:
            pass  # nobody there: hang up, as a machine without that server does
        finally:
            self._lines -= ours
            for line in ours:
                line.transport.abort()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    writer.close()


@contextmanager
def pair_of(first: OwnPostgres) -> Iterator[Pair]:
    pair = Pair(first)
    try:
        yield pair
    finally:
        pair.close()


@contextmanager
def moving_address(to: Path) -> Iterator[MovingAddress]:
    address = MovingAddress(to)
    try:
        yield address
    finally:
        address.close()
