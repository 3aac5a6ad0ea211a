"""Settings, clocks, disk and backups: what the database does not know of itself."""
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from redis import RedisError
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import files
from portal.cli.examinations import Finding, judged
from portal.core import clock, redis_client
from portal.settings import Settings

APART_S = 1.0
FREE_LOOK, FREE_ACT = 0.20, 0.08  # of a disk
GIB = 1024 ** 3
BACKED_UP_WITHIN = timedelta(hours=26)  # a day, and time to make one
CHECKED_WITHIN = timedelta(days=8)
LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


def settings(session: Session, settings: Settings) -> Iterator[Finding]:
    yield judged("settings", f"APP_ENV is {settings.app_env}", "set APP_ENV=production before real money: webhooks may "
                 "call plain http and this machine until then", act=False, look=not settings.production)
    yield judged("settings", "METRICS_TOKEN is set" if settings.metrics_token else "nobody can read /metrics",
                 "set METRICS_TOKEN and let Prometheus ask", act=False, look=settings.metrics_token is None)
    yield judged("settings", "errors go to Sentry" if settings.sentry_dsn else "errors stand in the log alone",
                 "set SENTRY_DSN, or watch the log for lines of level error", act=False,
                 look=settings.production and settings.sentry_dsn is None)
    unlimited = [name for name in LIMITS
                 if session.scalar(text("SELECT current_setting(:name)"), {"name": name}) == "0"]
    yield judged("settings", f"the application's role has no {', '.join(unlimited)}" if unlimited
                 else "the application's role has its limits",
                 "as the database's superuser: " + "; ".join(
                     f"ALTER ROLE {session.scalar(text('SELECT current_user'))} SET {name} = '{limit}'"
                     for name, limit in zip(LIMITS, ("5s", "2s", "10s"), strict=True)), act=bool(unlimited))


def scanner(session: Session, settings: Settings) -> Iterator[Finding]:
    """The one that uploads are shown to, where one is named."""
    if settings.clamd_address is not None:
        answers = files.Clamd(settings.clamd_address).answers()
        yield judged("scanner", "answers" if answers else "does not answer: no file is taken", "start clamd, or mend "
                     "CLAMD_ADDRESS and who may open its socket", act=not answers)


def clocks(session: Session, settings: Settings) -> Iterator[Finding]:
    database = session.scalar(text("SELECT clock_timestamp()"))
    assert database is not None
    yield _apart("the database", abs((database - clock.now()).total_seconds()))
    try:
        with redis_client.client(settings.redis_url.get_secret_value(), socket_timeout=1,
                                 socket_connect_timeout=1) as redis:
            seconds, microseconds = redis.time()
    except RedisError as error:
        yield judged("Redis", f"does not answer ({type(error).__name__})",
                     "start it again: orders go on meanwhile, more slowly, and calls are not limited", act=True)
        return
    yield _apart("Redis", abs(seconds + microseconds / 1e6 - clock.now().timestamp()))


def _apart(who: str, seconds: float) -> Finding:
    return judged("clocks", f"{who} and this machine are {seconds:.1f} s apart",
                  "let chrony or systemd-timesyncd set the clocks of both machines", act=seconds > APART_S)


def disk(session: Session, settings: Settings) -> Iterator[Finding]:
    home = os.environ.get("QUITTANCE_HOME")
    folders = {Path(home)} if home else set()
    if settings.files_storage == "folder":
        folders.add(Path(settings.files_folder))
        writable = os.access(settings.files_folder, os.W_OK) or not Path(settings.files_folder).exists()
        yield judged("files", f"{settings.files_folder} can {'' if writable else 'not '}be written to",
                     "let the user who runs web and worker write there", act=not writable)
    seen: set[int] = set()
    for folder in sorted(one for one in folders if one.exists()):
        if folder.stat().st_dev in seen:
            continue
        seen.add(folder.stat().st_dev)
        total, _, free = shutil.disk_usage(folder)
        yield judged("disk", f"{free / GIB:.1f} of {total / GIB:.0f} GiB are free where {folder} lies",
                     "make room or a larger disk: PostgreSQL stops when it is full", act=free < FREE_ACT * total,
                     look=free < FREE_LOOK * total)


def backups(session: Session, settings: Settings) -> Iterator[Finding]:
    """By the files' times alone: the key is not needed to see that something was written."""
    home = os.environ.get("QUITTANCE_HOME")
    folder = Path(os.environ.get("BACKUP_FOLDER") or Path(home or "var") / "backups")
    made, checked = (_newest(folder, name) for name in ("manifest", "checked"))
    if made is None:
        yield judged("backups", f"there is none in {folder}", "bin/flask backup make --check, each night; if another "
                     "tool makes them, have its alarm reach you", act=settings.production, look=True)
        return
    now = clock.now()
    yield judged("backups", f"the newest is of {made:%Y-%m-%d %H:%M} UTC", "bin/flask backup make --check, and see why "
                 "the timer did not", act=now - made > BACKED_UP_WITHIN)
    yield judged("backups", f"a restore was last tried at {checked:%Y-%m-%d %H:%M} UTC" if checked
                 else "no restore was ever tried", "bin/flask backup check",
                 act=checked is None or now - checked > CHECKED_WITHIN)


def _newest(folder: Path, name: str) -> datetime | None:
    times = [path.stat().st_mtime for path in folder.glob(f"*/{name}")]
    return datetime.fromtimestamp(max(times), UTC) if times else None
