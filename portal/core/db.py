"""The database: one base, one way to commit, one way to lock.

Alone with `core/replica.py` in knowing Flask-SQLAlchemy: engine and session of web, workers and commands alike.
"""
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeVar

from flask_sqlalchemy import SQLAlchemy
from psycopg import errors as pg
from sqlalchemy import DateTime, Engine, MetaData, Select, event
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session, registry

from portal.core import mapped_attributes, pipeline
from portal.core.db_outage import is_away, is_in_want, patient, row_waited_for
from portal.core.errors import VERDICTS, DatabaseUnavailable, LockTimeout, NumberTooLarge
from portal.core.replica import RoutedSession, set_aside

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s", "ck": "ck_%(table_name)s_%(constraint_name)s",
    "pk": "pk_%(table_name)s"}
T = TypeVar("T")
R = TypeVar("R")
POOL_WAIT_S = 4  # twice what the database waits for a lock: of twice as many threads as connections each gets its turn
PATIENT = "quittance_patient"  # commits of such an engine are hung up on when they take too long
TRIES_MAX = 3  # of a whole transaction, on a serialization failure or a deadlock

mapped_attributes.spare_columns()


class Base(DeclarativeBase):
    # a registry of our own: Flask-SQLAlchemy copies this class, and a copied map beside a registry is refused
    registry = registry(metadata=MetaData(naming_convention=NAMING),
                        type_annotation_map={datetime: DateTime(timezone=True)})


db = SQLAlchemy(model_class=Base, disable_autonaming=True,
                session_options={"expire_on_commit": False, "class_": RoutedSession})


class MustRead(Exception):
    """Something is not remembered, and this is no place to wait for the database."""


_remembered_only: ContextVar[Engine | None] = ContextVar("remembered_only", default=None)


class remembered_only:
    """On the event loop, outside of Flask: what is remembered of this database may be used; who must read, MustRead."""

    __slots__ = ("_before", "_engine")  # a class, not a generator: it stands around each create

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __enter__(self) -> None:
        self._before = _remembered_only.set(self._engine)

    def __exit__(self, *error: object) -> None:
        _remembered_only.reset(self._before)


def reader() -> Session:
    """The session of this request or task, for reading outside a transaction block. Raises MustRead."""
    if not may_read():
        raise MustRead()
    return db.session()


def may_read() -> bool:
    """Not on the event loop."""
    return _remembered_only.get() is None


def engine() -> Engine:
    """Of this application: what is remembered in a process is remembered of one database."""
    return _remembered_only.get() or db.engine


def open_session() -> Session | None:
    """The session of this request or task, if it has needed one yet."""
    return db.session() if may_read() and db.session.registry.has() else None


def give_back() -> None:
    """This request has read; what follows may wait, and must not keep a connection while it does."""
    if session := open_session():
        session.rollback()


@contextmanager
def transaction(*, alone: bool = False) -> Iterator[Session]:
    """Commit everything done inside, or nothing. Doors open it, once; services never do.

    What was promised with `after_commit` runs after the commit, and never without it. Within `one_transaction` that one
    commits; `alone`: not so, what is counted here counts whatever comes of the rest.
    Raises our own errors for what the database refuses: named constraints, lock timeouts, no connection.
    """
    session = db.session()
    around = session.info.get("around")
    with _committed(session) if around is None else _apart(session) if alone else _within(session, around):
        yield session


@contextmanager
def one_transaction(first: Callable[[Session], None]) -> Iterator[Session]:
    """Around a door's act: `transaction()` inside begins with `first` and is committed at the end of this."""
    with _committed(db.session()) as session:
        session.info["around"] = [first]
        try:
            yield session
        finally:
            session.info.pop("around", None)


@contextmanager
def _within(session: Session, around: list[Callable[[Session], None]]) -> Iterator[Session]:
    try:
        with translated():
            around.pop()(session)  # an act opens its transaction once
            yield session
            session.flush()
    except BaseException:
        session.rollback()
        session.info["after_commit"].clear()
        raise


@contextmanager
def _apart(session: Session) -> Iterator[Session]:
    assert session.info["around"], "before the act, not within it"
    effects = session.info.pop("after_commit")
    try:
        with _committed(session):
            yield session
    finally:
        session.info["after_commit"] = effects


@contextmanager
def _committed(session: Session) -> Iterator[Session]:
    with set_aside(session), gathered(session) as effects:
        try:
            with translated():
                yield session
                _commit(session)
        except BaseException:
            session.rollback()
            raise
    for effect in effects.values():
        effect()


def _commit(session: Session) -> None:
    session.flush()
    connection = session.connection() if session.in_transaction() else None
    if connection is None or not connection.get_execution_options().get(PATIENT):
        session.commit()
        return
    with patient(pipeline.driver_of(connection)):
        session.commit()


@contextmanager
def gathered(session: Session) -> Iterator[dict[object, Callable[[], None]]]:
    """The effects that are promised inside, for who opens a transaction: to be run once it has committed."""
    assert "after_commit" not in session.info, "a transaction is opened once, at the door"
    effects: dict[object, Callable[[], None]] = {}
    session.info["after_commit"] = effects
    try:
        yield effects
    finally:
        session.info.pop("after_commit", None)


def after_commit(session: Session, effect: Callable[[], None], *, once: object = None) -> None:
    """Run `effect` (best effort: a wake-up, a publication) once this transaction has committed.

    `once`: of several effects with this key only the first is run.
    """
    session.info["after_commit"].setdefault(object() if once is None else once, effect)


@contextmanager
def translated() -> Iterator[None]:
    """The database's refusals in our words: see `core.errors.VERDICTS`."""
    try:
        yield
    except IntegrityError as error:
        constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
        verdict = VERDICTS.get(constraint or "")
        if verdict is None:
            raise
        raise verdict() from error
    except (InterfaceError, PoolTimeout) as error:  # no connection to be had
        raise DatabaseUnavailable() from error
    except DBAPIError as error:
        if isinstance(error.orig, pg.LockNotAvailable):
            raise LockTimeout(row=row_waited_for(error.orig)) from error
        if isinstance(error.orig, pg.NumericValueOutOfRange):
            raise NumberTooLarge() from error
        if is_disconnect(error):
            raise DatabaseUnavailable() from error
        raise


def is_disconnect(error: DBAPIError) -> bool:
    """The server is away, going away, full, a standby or in want of disk, rather than unhappy with the statement."""
    return error.connection_invalidated or is_away(error.orig) or is_in_want(error.orig)


def must_retry(error: BaseException) -> bool:
    """A serialization failure or a deadlock: the same transaction, begun anew, can succeed."""
    return isinstance(error, DBAPIError) and isinstance(error.orig, (pg.SerializationFailure, pg.DeadlockDetected))


def retried(act: Callable[[], R]) -> R:
    """Do a whole transaction, again from its start where the database asks for that; three times at most."""
    for attempt in range(1, TRIES_MAX + 1):
        try:
            return act()
        except DBAPIError as error:
            db.session.remove()
            if attempt == TRIES_MAX or not must_retry(error):
                raise
    raise AssertionError("unreachable")


def locked(session: Session, wanted: Select[T]) -> Sequence[T]:
    """These rows, locked for change and fresh. The only way to lock what is changed as objects.

    `FOR NO KEY UPDATE` does not block foreign keys pointing here; `populate_existing`, because SQLAlchemy would
    hand back the object as it was read before the lock.
    The caller orders the rows (by id), so that two transactions never wait in a circle.
    """
    return session.scalars(wanted.with_for_update(key_share=True).execution_options(populate_existing=True)).all()


def locked_one(session: Session, row: Select[T]) -> T | None:
    """The one row, locked and fresh, or None."""
    return next(iter(locked(session, row)), None)


def connect(app: Any, *, url: str, process: str, pool_size: int, prepared: bool = True) -> None:
    """Bind engine and session to the Flask app. `process` is `web` or `worker`: workers may take longer.

    A worker waits for its commits: nobody waits for the worker, and the database it works for is the one that is slow.
    """
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(process, pool_size=pool_size, prepared=prepared)
    db.init_app(app)
    with app.app_context():
        pipeline.install(db.engine)
        event.listen(db.engine, "handle_error", _notice_weather)
        if process == "worker":
            event.listen(db.engine, "begin", _begin_patiently)
        else:
            db.engine.update_execution_options(**{PATIENT: True})


def _notice_weather(context: Any) -> None:
    """SQLAlchemy lets go of the connection and of all others in its pool: they led to the same server."""
    if is_away(context.original_exception):
        context.is_disconnect = True


# A server whose machine has gone silent is noticed within ten seconds or so, not after the system's two hours.
NOTICED = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}


def engine_options(process: str, *, pool_size: int, prepared: bool = True) -> dict[str, Any]:
    """Of every engine; `process` is the name by which the database shows its connections.

    `prepared`: statements are prepared on the server, which a pooler in between must know how to handle.
    """
    return {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": POOL_WAIT_S, "pool_pre_ping": False,
            "hide_parameters": True,  # what a statement was given is people's data: it stands in no log
            "pool_use_lifo": True,  # the connection that was used last has its plans and pages at hand
            "pool_recycle": 1800, "connect_args": {
                "connect_timeout": 3, "prepare_threshold": 1 if prepared else None,
                "target_session_attrs": "read-write",  # a standby is no database to us, whoever leads us there
                "application_name": f"quittance-{process}", **NOTICED}}


# Per transaction, not per connection: PgBouncer hands the connection to somebody else afterwards.
# The web's own (5 s, 2 s, 10 s) are the role's defaults.
WORKER_BEGIN = (b"BEGIN; SET LOCAL statement_timeout = '30s'; SET LOCAL lock_timeout = '5s';"
                b" SET LOCAL idle_in_transaction_session_timeout = '30s'")


def _begin_patiently(connection: Any) -> None:
    """Begin with the worker's timeouts; psycopg, which finds itself in a transaction, begins none."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        pipeline.begin_nowait(connection, WORKER_BEGIN)
