"""Which system user runs PostgreSQL (it refuses to run as root), and running a command as that user."""
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from launcher.say import Trouble, say

SERVICE_USER = "quittance"


def service_account() -> pwd.struct_passwd:
    """The user himself; for root a system user of the desk's own, made when missing."""
    if os.geteuid() != 0:
        return account_of(os.geteuid())
    try:
        return pwd.getpwnam(SERVICE_USER)
    except KeyError:
        return _make_service_user()


def account_of(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError as problem:
        raise Trouble(f"the system has no user with the number {uid}; PostgreSQL needs one") from problem


def _make_service_user() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd:
        made = subprocess.run([useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
                               "--shell", "/usr/sbin/nologin", SERVICE_USER], capture_output=True, check=False)
        if made.returncode == 0:
            say(f"made the system user {SERVICE_USER}, who runs PostgreSQL (it refuses to run as root)")
            return pwd.getpwnam(SERVICE_USER)
    raise Trouble(f"PostgreSQL refuses to run as root and the system user {SERVICE_USER} could not be made: "
                  "make it, or start this command as an ordinary user")


def run_as(account: pwd.struct_passwd, command: list[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run it as that user, in a session of its own so that Ctrl-C at the terminal does not reach it."""
    root = os.geteuid() == 0
    return subprocess.run(command, text=True, capture_output=True, stdin=subprocess.DEVNULL, cwd="/",
                          env=plain_environment(), umask=0o077, start_new_session=True, check=check,
                          user=account.pw_uid if root else None, group=account.pw_gid if root else None,
                          extra_groups=[] if root else None)


def plain_environment() -> dict[str, str]:
    """Nothing of the person's own settings (PGHOST, PGDATA, a locale) changes what the servers do."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "HOME": "/", "TZ": "UTC"}


def is_program(pid: int, name: str) -> bool:
    """Whether this process runs that program; where /proc is not to be had, any live process is taken for it."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except ProcessLookupError:  # it was there when the file was opened and gone when it was read
        return False
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        return _alive(pid)
    return name.encode() in words[0] if words else False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def give_to(path: str | Path, uid: int, gid: int) -> None:
    """It is theirs afterwards. Where it is already, nothing is asked: a hardened unit forbids the very call."""
    now = os.stat(path)
    if (now.st_uid, now.st_gid) != (uid, gid):
        os.chown(path, uid, gid)


def open_to_read(folder: Path) -> None:
    """Let everybody read a folder that we made, and run what is a program in it."""
    folder.chmod(0o755)
    for parent, folders, files in os.walk(folder):
        for name in folders:
            Path(parent, name).chmod(0o755)
        for name in files:
            path = Path(parent, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
