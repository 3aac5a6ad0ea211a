"""PostgreSQL and Valkey for as long as a command needs them; the last command that used them stops them."""
import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launcher import cluster, environment, keys
from launcher.home import Home
from launcher.postgres import Postgres
from launcher.say import Trouble, say
from launcher.valkey import Valkey

LOOK_S = 1.0
PAUSE_S = 10.0  # after a server could not be started again


class Servers:
    """The servers of one data folder; those that the person named by URL are left to the person."""

    def __init__(self, home: Home, packages: Path, person: dict[str, str], *, durable: bool, createdb: bool) -> None:
        self.home, self.person, self.createdb = home, person, createdb
        self.keys = keys.keep(home)
        self.next_look_at = 0.0
        self.postgres = None if person.get("DATABASE_URL") else Postgres(home, packages, durable=durable)
        self.valkey = None if person.get("REDIS_URL") else Valkey(home, packages, self.keys["valkey_password"])

    def ensure(self) -> None:
        """Both up, whatever an earlier run left. Two commands that begin at once do it one after the other."""
        with self.home.open_lock("servers.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.postgres:
                done = self.postgres.ensure(self.keys["postgres_password"])
                cluster.prepare(self.postgres, self.keys, createdb=self.createdb)
                say(f"PostgreSQL {done}")
            if self.valkey:
                say(f"Valkey {self.valkey.ensure()}")

    def look_after(self) -> None:
        """Start again what died, once a second at most; the desk's processes find it where it was."""
        now = time.monotonic()
        if now < self.next_look_at:
            return
        self.next_look_at = now + LOOK_S
        dead = [name for name, server in (("PostgreSQL", self.postgres), ("Valkey", self.valkey))
                if server is not None and not server.alive()]
        if not dead:
            return
        say(f"{' and '.join(dead)} died; starting again")
        try:
            self.ensure()
        except Trouble as trouble:
            say(f"{trouble}; trying again in {PAUSE_S:g} s")
            self.next_look_at = time.monotonic() + PAUSE_S

    def stop(self) -> None:
        """Valkey first, PostgreSQL last: what is still writing writes to PostgreSQL."""
        if self.valkey:
            self.valkey.stop()
        if self.postgres:
            self.postgres.stop()

    def environment(self) -> dict[str, str]:
        person = {**self.person, "QUITTANCE_HOME": str(self.home.folder)}
        return environment.of_the_desk(
            person, self.keys, sockets=self.postgres.sockets if self.postgres else None,
            redis_url=self.valkey.url if self.valkey else None)


@contextmanager
def running(servers: Servers, *, patience_s: float = 0.0) -> Iterator[dict[str, str]]:
    """The environment beside running servers. Afterwards they stop, unless another command still uses them.

    `patience_s`: how long to wait for that other command; bin/run stops them in any case after it.
    """
    home = servers.home
    home.use_servers()
    try:
        servers.ensure()
        yield servers.environment()
    finally:
        if home.last_user(patience_s) or patience_s:
            servers.stop()
        home.leave_servers()
