"""The ground of every measurement: PostgreSQL and Valkey of its own, as durable as a desk's, and databases in it."""
import hashlib
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from launcher import venv
from launcher.home import ROOT, Home
from launcher.servers import Servers, running
from launcher.testrun import NOT_FOR_TESTS

SQL = Path(__file__).parent / "sql"
# beside what the launcher sets: room for a fill of a million orders, so that no checkpoint falls into a round
TUNING = {"max_wal_size": "6GB", "min_wal_size": "2GB", "checkpoint_timeout": "30min"}
CREATE = "CREATE DATABASE {} TEMPLATE {} OWNER quittance_owner STRATEGY file_copy"
CONNECTIONS = 32
SPEC_PER_S = 7_500  # creates in two statements by pgbench, on the machine where the gates were found
PACE_S = 4
URLS = ("DATABASE_URL", "DATABASE_DIRECT_URL", "DATABASE_OWNER_URL")


class Ground:
    """Running servers, and what is needed to use them."""

    def __init__(self, servers: Servers, environ: dict[str, str], *, rounds: int, quick: bool) -> None:
        self.servers, self.environment, self.rounds, self.quick = servers, environ, rounds, quick

    @property
    def round_s(self) -> int:
        return 3 if self.quick else 10

    def superuser(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """Who may do everything, for filling and for settings."""
        postgres = self.servers.postgres
        assert postgres is not None
        return psycopg.connect(host=str(postgres.sockets), user="postgres", dbname=database, autocommit=True,
                               password=self.servers.keys["postgres_password"])

    def pace(self) -> float:
        """What pgbench does a second of what it did where the gates were found: the machine, before we run on it."""
        with self.database() as database:
            with self.superuser(database) as connection:
                connection.execute((SQL / "plain.sql").read_text("utf-8"))
            return self.pgbench(database, "create_2_plain.sql", seconds=PACE_S)["per_s"] / SPEC_PER_S

    def settle(self, database: str) -> None:
        """Let each round begin alike: what the one before left to clean up does not fall into this one."""
        with self.superuser(database) as connection:
            connection.execute("VACUUM (ANALYZE)")

    def use_wal(self) -> None:
        """Fill 1.2 GB of WAL and let it be used again, as on a desk that has run for a day.

        A file that is new is 16 MB of zeros and an fsync before whoever needs it can commit: 20 to 60 ms.
        """
        with self.superuser() as connection:
            connection.execute("CREATE TABLE filling AS SELECT repeat(md5(n::text), 60)"
                               " FROM generate_series(1, 600000) n")
            connection.execute("DROP TABLE filling")
            connection.execute("CHECKPOINT")

    def stamp_commits(self) -> None:
        """Have PostgreSQL remember when each transaction committed; it starts anew for that, once."""
        with self.superuser() as connection:
            if connection.execute("SHOW track_commit_timestamp").fetchone() == ("on",):
                return
            connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")
        assert self.servers.postgres is not None
        self.servers.postgres.stop()
        self.servers.ensure()

    def of(self, database: str) -> dict[str, str]:
        """The environment of the desk's processes on this database."""
        return {**self.environment, **{name: make_url(self.environment[name]).set(database=database)
                                       .render_as_string(hide_password=False) for name in URLS}}

    @contextmanager
    def database(self, template: str | None = None) -> Iterator[str]:
        """A database of its own: migrated, or a copy of a kept one; dropped afterwards."""
        source, name = template or self.migrated(), f"bench_{os.getpid()}_{time.monotonic_ns() % 10**9}"
        with self.superuser() as connection:
            connection.execute(sql.SQL(CREATE).format(sql.Identifier(name), sql.Identifier(source)))
        try:
            yield name
        finally:
            self.drop(name)

    def drop(self, name: str) -> None:
        with self.superuser() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def exists(self, name: str) -> bool:
        with self.superuser() as connection:
            return connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is not None

    def migrated(self) -> str:
        """The name of a migrated, empty database; kept between runs, made anew when a migration changed."""
        name = f"empty_{stamp('migrations')}"
        if not self.exists(name):
            self.make(name, None)
            done = subprocess.run([sys.executable, "-m", "flask", "db", "upgrade"], cwd=ROOT, text=True,
                                  env=self.of(f"making_{name}"), capture_output=True, check=False)
            if done.returncode:
                raise SystemExit(f"the migrations failed:\n{done.stdout}{done.stderr}")
            self.keep(name)
        return name

    def make(self, name: str, template: str | None) -> str:
        """Begin a kept database under another name first: one that has its own name is whole."""
        making = f"making_{name}"
        self.drop(making)
        with self.superuser() as connection:
            connection.execute(sql.SQL(CREATE).format(sql.Identifier(making), sql.Identifier(template or "template0")))
        return making

    def keep(self, name: str) -> None:
        """The database is whole. Older ones of its kind, made from other migrations, are dropped."""
        with self.superuser() as connection:
            kind = name.rpartition("_")[0]
            found = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{kind}\\_%"])
            for (old,) in found.fetchall():
                if re.fullmatch(rf"{kind}_[0-9a-f]{{12}}", old):
                    connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(old)))
            connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                sql.Identifier(f"making_{name}"), sql.Identifier(name)))

    def pgbench(self, database: str, script: str, *, clients: int = CONNECTIONS, threads: int = 1,
                seconds: int | None = None, variables: Mapping[str, object] | None = None) -> dict[str, float]:
        """One round of a script of benchmarks/sql: transactions a second, latencies in ms."""
        postgres = self.servers.postgres
        assert postgres is not None
        given = [part for name, value in (variables or {}).items() for part in ("-D", f"{name}={value}")]
        prefix = postgres.home.folder / f"pgbench-{os.getpid()}"
        for old in prefix.parent.glob(f"{prefix.name}.*"):
            old.unlink()
        done = subprocess.run(
            [str(postgres.binaries / "bin" / "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", str(threads),
             "-T", str(seconds or self.round_s), "-f", str(SQL / script), "-h", str(postgres.sockets), "-U", "postgres",
             "-l", "--log-prefix", str(prefix), *given, database], capture_output=True, text=True, check=False,
            env={"PATH": os.defpath, "PGPASSWORD": self.servers.keys["postgres_password"]})
        if done.returncode:
            raise SystemExit(f"pgbench {script}: {done.stderr}")
        found = re.search(r"tps = ([0-9.]+)", done.stdout)
        assert found is not None, done.stdout
        took = sorted(int(line.split()[2]) / 1000 for log in prefix.parent.glob(f"{prefix.name}.*")
                      for line in log.read_text("ascii").splitlines())
        for log in prefix.parent.glob(f"{prefix.name}.*"):
            log.unlink()
        return {"per_s": float(found[1]), "p50_ms": at(took, 50), "p99_ms": at(took, 99)}


@contextmanager
def ground(*, rounds: int, quick: bool) -> Iterator[Ground]:
    """Servers for this run; another run on the same folder shares them."""
    home = Home(Path(os.environ.get("BENCH_HOME") or ROOT / "var" / "bench"))
    person = {name: value for name, value in os.environ.items() if name not in NOT_FOR_TESTS}
    servers = Servers(home, venv.ensure("requirements-dev.txt"), person, durable=True, createdb=True)
    with running(servers) as environ:
        made = Ground(servers, {**environ, "APP_ENV": "development", "LOG_LEVEL": "INFO"}, rounds=rounds, quick=quick)
        with made.superuser() as connection:
            for name, value in TUNING.items():
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
            connection.execute("SELECT pg_reload_conf()")
            assert connection.execute("SELECT current_setting('fsync') || current_setting('synchronous_commit')"
                                      " || current_setting('full_page_writes')").fetchone() == ("ononon",)
        if not quick:
            made.use_wal()
        yield made


def stamp(*places: str) -> str:
    """Of these files and folders of the repository, so that what was made from older ones is not used."""
    told = hashlib.sha256()
    for place in places:
        for path in sorted([ROOT / place, *(ROOT / place).rglob("*")]):
            if path.suffix in (".py", ".sql"):
                told.update(path.read_bytes())
    return told.hexdigest()[:12]


def at(values: list[float], percent: float) -> float:
    """A percentile of sorted values; 0 when there are none."""
    return values[min(len(values) - 1, int(len(values) * percent / 100))] if values else 0.0


def about(ground: Ground) -> dict[str, Any]:
    """What a figure is worthless without: the machine, its load, the versions."""
    with ground.superuser() as connection:
        server = connection.execute("SELECT version()").fetchone()
    return {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version(),
            "load": [round(part, 1) for part in os.getloadavg()], "pace": round(ground.pace(), 2),
            "postgresql": str(server and server[0]).split(" on ")[0],
            "settings": {**TUNING, "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
                         "shared_buffers": "256MB"},
            "commit": _git("rev-parse", "--short", "HEAD"), "changed": bool(_git("status", "--porcelain", "portal")),
            **{name: version(name) for name in ("uvicorn", "flask", "sqlalchemy", "psycopg", "huey")}}


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


