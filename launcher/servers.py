"""PostgreSQL and Valkey for as long as a command needs them; the last command that used them stops them."""
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launcher import cluster, environment, keys
from launcher.home import Home
from launcher.postgres import Postgres
from launcher.say import say
from launcher.valkey import Valkey


class Servers:
    """The servers of one data folder; those that the person named by URL are left to the person."""

    def __init__(self, home: Home, packages: Path, person: dict[str, str], *, durable: bool, createdb: bool) -> None:
        self.home, self.person, self.createdb = home, person, createdb
        self.keys = keys.keep(home)
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
