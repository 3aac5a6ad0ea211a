"""Reading from a standby where one is named: lists, reports and exports, which may be a moment behind.

Who has just written must find it: each act leaves the place in the server's log that it reached, and a standby that has
not come so far yet is passed over. So is one that answers nothing, or has heard of nothing for LAG_S. Asking in
vain costs a page's thread as long as a connection may take, so after a failure one page each AWAY_S does it.
"""
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import structlog
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

LAG_S = 10
AWAY_S = 10
KEY = "replica"
CAME_SO_FAR = text("""
    SELECT NOT pg_is_in_recovery() OR (pg_last_wal_replay_lsn() >= CAST(:seen AS pg_lsn)
                                       AND now() - pg_last_xact_replay_timestamp() < make_interval(secs => :lag))""")
HERE = text("SELECT pg_current_wal_insert_lsn()::text")
NOTHING_SEEN = "0/0"
log = structlog.get_logger("database")
_asked_again_at: WeakKeyDictionary[Engine, float] = WeakKeyDictionary()  # who did not answer; the monotonic clock


class RoutedSession(FlaskSession):
    """Of this application; led to a standby it reads there, until somebody opens a transaction."""

    def get_bind(self, mapper: Any = None, clause: Any = None, bind: Any = None, **more: Any) -> Any:
        return self.info.get(KEY) or super().get_bind(mapper, clause, bind, **more)


def connect(url: str, options: dict[str, Any]) -> Engine:
    """`options` as every engine has them; of several hosts a standby is preferred."""
    arguments = {**options["connect_args"], "target_session_attrs": "prefer-standby",
                 "application_name": "quittance-reader"}
    return create_engine(url, **{**options, "connect_args": arguments})


def lead(session: Session, replica: Engine, seen: str | None) -> bool:
    """Let this session read from the standby, if it has come as far as `seen`."""
    if not _came_so_far(replica, seen or NOTHING_SEEN):
        return False
    session.rollback()  # what was read so far gives its connection back
    session.info[KEY] = replica
    return True


def _came_so_far(replica: Engine, seen: str) -> bool:
    """No, too, of one that has not answered lately: nobody waits for it."""
    if time.monotonic() < _asked_again_at.get(replica, 0.0):
        return False
    if replica in _asked_again_at:
        _asked_again_at[replica] = time.monotonic() + AWAY_S  # whoever asks now asks for all
    try:
        with replica.connect() as connection:
            far = connection.execute(CAME_SO_FAR, {"seen": seen, "lag": LAG_S}).scalar()
    except SQLAlchemyError as error:
        _asked_again_at[replica] = time.monotonic() + AWAY_S
        log.warning("replica_away", error=type(error).__name__, asked_again_in_s=AWAY_S)
        return False
    _asked_again_at.pop(replica, None)
    return bool(far)


@contextmanager
def set_aside(session: Session) -> Iterator[None]:
    """Whoever writes is at the primary."""
    replica = session.info.pop(KEY, None)
    try:
        yield
    finally:
        if replica is not None:
            session.info[KEY] = replica


@contextmanager
def at_primary(session: Session, primary: Engine) -> Iterator[Session]:
    """What reads there: this session, or beside one that is led to a standby one that gives its connection back."""
    if KEY not in session.info:
        yield session
        return
    with Session(primary) as own:
        yield own


def position(primary: Engine) -> str | None:
    """How far the primary has come; None when it does not say."""
    try:
        with primary.connect() as connection:
            return str(connection.execute(HERE).scalar())
    except SQLAlchemyError:
        return None
