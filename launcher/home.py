"""The data folder of one desk (QUITTANCE_HOME): its files, its locks and the folder of its sockets."""
import fcntl
import json
import os
import stat
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from launcher.account import give_to
from launcher.say import Trouble

ROOT = Path(__file__).resolve().parent.parent
SOCKET_PATH_BYTES_MAX = 100  # the kernel takes 107 and cuts or refuses what is longer


class Home:
    """A folder of ours. Nothing outside it, but /var/lib/quittance and one folder for sockets, is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().absolute()
        try:
            if not self.folder.exists():
                self.folder.mkdir(parents=True, mode=0o755)
            self._users = self.open_lock("users.lock")
        except OSError as problem:
            raise Trouble(f"cannot write to the data folder {self.folder} ({problem.strerror}); "
                          "name another with QUITTANCE_HOME") from problem
        self._desk: IO[str] | None = None

    def close(self) -> None:
        """Done with it, in a process that goes on."""
        self._users.close()

    def open_lock(self, name: str) -> IO[str]:
        return open(self.folder / name, "a+", encoding="utf-8")

    def read(self, name: str) -> dict[str, Any]:
        """A JSON file of ours, or nothing when it was never written."""
        try:
            return dict(json.loads((self.folder / name).read_text("utf-8")))
        except FileNotFoundError:
            return {}
        except ValueError as problem:
            raise Trouble(f"{self.folder / name} is not readable JSON ({problem})") from problem

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Written whole or not at all, and for the owner's eyes only."""
        handle, made = tempfile.mkstemp(dir=self.folder, prefix=f".{name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(dict(content), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(made, self.folder / name)

    def use_servers(self) -> None:
        """Say that this command needs the servers. The kernel forgets it when the command dies, however it dies."""
        fcntl.flock(self._users, fcntl.LOCK_SH)

    def last_user(self, patience_s: float = 0.0) -> bool:
        """Whether no other command uses the servers (any longer, after waiting a little)."""
        deadline = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except OSError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(0.1)

    def leave_servers(self) -> None:
        fcntl.flock(self._users, fcntl.LOCK_UN)

    def claim_desk(self) -> bool:
        """One bin/run at a time works on a data folder; True when this is the one."""
        lock = self.open_lock("desk.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return False
        self._desk = lock
        return True

    def desk_is_running(self) -> bool:
        """Whether a bin/run is alive on this folder."""
        with self.open_lock("desk.lock") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
        return False


def socket_folder(wanted: Path, remembered: str | None, *, longest_name: str, uid: int, gid: int) -> Path:
    """A folder of mode 0700 whose sockets have a path short enough: the wanted one, else one under /tmp, kept."""
    if len(os.fsencode(wanted / longest_name)) <= SOCKET_PATH_BYTES_MAX:
        wanted.mkdir(mode=0o700, exist_ok=True)
        give_to(wanted, uid, gid)
        wanted.chmod(0o700)
        return wanted
    if remembered and _is_ours(Path(remembered), uid):
        return Path(remembered)
    made = Path(tempfile.mkdtemp(prefix="quittance-", dir="/tmp"))
    give_to(made, uid, gid)
    return made


def _is_ours(folder: Path, uid: int) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and stat.S_IMODE(found.st_mode) == 0o700
