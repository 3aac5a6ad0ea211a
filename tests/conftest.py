"""The ground of every test: PostgreSQL and Valkey as `bin/test` started them, a database per worker, the application.

A template is migrated once per content of `migrations/`; each worker takes a clone of it, and so does a test that
looks at whole books (`fresh_app`). Nothing is cleaned between tests: factories make what a test needs.
"""
import fcntl
import hashlib
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir
from typing import IO, TYPE_CHECKING

import hypothesis
import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from psycopg import sql
from sqlalchemy.engine import URL, make_url

if TYPE_CHECKING:
    from tests.machine import Ground

ROOT = Path(__file__).resolve().parent.parent
KEPT_TEMPLATES = 3  # of earlier migrations, for a developer who goes back and forth between branches
SLOW_WITHIN_S = 3600  # every page in every look takes twenty minutes; see pyproject.toml for all others
DAYS = 2000  # of fifty steps
VALKEY_NUMBERS = range(1, 64)  # 0 belongs to nobody, so that a forgotten setting is noticed
MY_DATABASE, MY_VALKEY = pytest.StashKey[str](), pytest.StashKey[IO[str]]()

hypothesis.settings.register_profile("desk", derandomize=True, deadline=None)  # each run alike, slow or not
hypothesis.settings.load_profile("desk")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")
    parser.addoption("--days", type=int, default=DAYS, help=f"that the machine of fault 12 lives under --slow ({DAYS})")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    of_slow = (pytest.mark.timeout(SLOW_WITHIN_S) if config.getoption("--slow")
               else pytest.mark.skip(reason="slow: runs under bin/test --slow"))
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(of_slow)


def pytest_configure(config: pytest.Config) -> None:
    """Give this worker its own names before anything of ours is imported: some modules read settings on import.

    What a test starts (the command line, a worker) inherits them.
    """
    if not os.environ.get("DATABASE_URL"):
        return  # not under bin/test; the first test that needs a server says so
    name = f"clone_{os.getpid()}_{secrets.token_hex(4)}"
    for variable in ("DATABASE_URL", "DATABASE_DIRECT_URL", "DATABASE_OWNER_URL"):
        os.environ[variable] = _on(variable, name)
    config.stash[MY_DATABASE] = name
    number, config.stash[MY_VALKEY] = _claim_valkey()
    os.environ["REDIS_URL"] = make_url(_given("REDIS_URL")).set(database=str(number)).render_as_string(False)


@pytest.fixture(scope="session")
def owner_url() -> str:
    """The owner of the databases, who migrates and clones; libpq's spelling, without a database."""
    return _spelled(make_url(_given("DATABASE_OWNER_URL")))


@pytest.fixture(scope="session")
def template(owner_url: str) -> str:
    """The name of a migrated database that nobody writes to."""
    name = f"template_{_migrations_hash()}"
    with _lock(f"quittance-{name}.lock"), _administrator(owner_url) as connection:
        if not _exists(connection, name):
            _forget_old_templates(connection)
            _migrate(connection, name)
    return name


@pytest.fixture(scope="session")
def database(owner_url: str, template: str, pytestconfig: pytest.Config) -> Iterator[str]:
    """This worker's own clone: its name. At the end a process could still start on it."""
    with _clone(owner_url, template, pytestconfig.stash[MY_DATABASE]) as name:
        yield name
        _starts_on_it()


def _starts_on_it() -> None:
    """Whatever tests left behind: else every test that starts a desk after them would fail, and depend on the order."""
    from portal import settings
    from portal.core import start_check

    mine = settings.load()
    try:
        start_check.insist(mine.sqlalchemy_url, prepared=False, keys=mine.master_key_ids)
    except start_check.Unfit as error:
        pytest.fail(f"a test left what no process starts on: {error}")


@pytest.fixture(scope="session")
def redis_url() -> str:
    """This worker's own Valkey database, empty; nobody else on this machine has the number."""
    from redis import Redis

    with Redis.from_url(_given("REDIS_URL")) as valkey:
        valkey.flushdb()
    return _given("REDIS_URL")


@pytest.fixture(scope="session")
def worker_app(database: str, redis_url: str) -> Iterator[Flask]:
    """The application of this worker, connected as the role that owns nothing."""
    with _application(database, redis_url) as made:
        yield made


@pytest.fixture
def app(worker_app: Flask) -> Iterator[Flask]:
    """The application, inside its context. What a test leaves open in its session is thrown away."""
    with _in_context(worker_app):
        yield worker_app


@pytest.fixture(autouse=True)
def _redis_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test did to Redis is not held against it in the next."""
    from portal.core import redis_breaker

    monkeypatch.setattr(redis_breaker, "_silent_until", 0)


@pytest.fixture(autouse=True)
def _foreign_fields_first(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tests that `tests/house/forms.txt` names send fields that are not theirs along with their forms."""
    from tests import foreign_fields

    if riders := foreign_fields.riders(request.node.nodeid):
        with foreign_fields.sent_along(riders, monkeypatch):
            yield
    else:
        yield


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser of a stranger."""
    return app.test_client()


@pytest.fixture
def fresh_database(owner_url: str, template: str) -> Iterator[str]:
    """A clone for one test, as for whole-books checks: its name."""
    with _clone(owner_url, template, f"clone_{os.getpid()}_{secrets.token_hex(4)}") as name:
        yield name


@pytest.fixture
def fresh_app(fresh_database: str, redis_url: str) -> Iterator[Flask]:
    """An application of its own on a clone of its own. Do not ask for `app` in the same test."""
    with _application(fresh_database, redis_url) as made, _in_context(made):
        yield made


@pytest.fixture(scope="module")
def _file_app(owner_url: str, template: str, redis_url: str) -> Iterator[Flask]:
    name = f"clone_{os.getpid()}_{secrets.token_hex(4)}"
    with _clone(owner_url, template, name), _application(name, redis_url) as made:
        yield made


@pytest.fixture
def file_app(_file_app: Flask) -> Iterator[Flask]:
    """As `fresh_app`, but one for the tests of a file: each proves the whole books, whose casts are each its own."""
    with _in_context(_file_app):
        yield _file_app


@pytest.fixture
def ground(fresh_app: Flask, fresh_database: str, owner_url: str, template: str,
           url_of: Callable[[str, str], str]) -> Iterator["Ground"]:
    """Where state machines live: the database of `fresh_app`, which is a new clone every few days."""
    from portal.core.db import db
    from portal.ledger import accounts
    from tests.machine import Ground

    def renew() -> None:
        db.session.remove()
        db.engine.dispose()
        accounts._known.pop(db.engine, None)  # their numbers begin anew; all else is known by its public id
        with _lock(f"quittance-{template}.lock"), _administrator(owner_url) as connection:
            _let_go(connection, fresh_database)
            _copy(connection, template, fresh_database)

    made = Ground(url_of(fresh_database, "owner"), renew)
    yield made
    made.close()


@pytest.fixture
def telling(redis_url: str) -> Iterator[None]:
    """This process tells open pages of steps, as a worker would."""
    from portal.core import page_events

    page_events._telegraph = told = page_events.Publisher(redis_url)
    yield
    page_events._telegraph = None
    told.close()


@pytest.fixture
def url_of() -> Callable[[str, str], str]:
    """`url_of(database, "owner" | "app")`: libpq's spelling, for tests that speak to PostgreSQL themselves."""
    given = {"owner": "DATABASE_OWNER_URL", "app": "DATABASE_URL"}
    return lambda database, role: _spelled(make_url(_given(given[role])).set(database=database))


@contextmanager
def _application(database: str, redis_url: str) -> Iterator[Flask]:
    settings = {"APP_ENV": "test", "REDIS_URL": redis_url, "DATABASE_URL": _on("DATABASE_URL", database),
                "RATELIMIT_ENABLED": "false",  # all tests call from one address; those about limits switch them on
                "DATABASE_DIRECT_URL": _on("DATABASE_URL", database),
                "DATABASE_OWNER_URL": _on("DATABASE_OWNER_URL", database)}
    with _environment(settings):
        from portal import create_app
        from portal.core.db import db
        from portal.parties import key_invalidation
        from portal.settings import load

        made = create_app(load())
        made.jinja_env.bytecode_cache = _compiled
        yield made
    with made.app_context():
        key_invalidation.stop(db.engine.url)
        db.session.remove()
        db.engine.dispose()


class _Compiled(BytecodeCache):
    """Templates that an application of this worker has compiled: hundreds follow it, and all read the same ones."""

    def __init__(self) -> None:
        self._codes = dict[str, bytes]()

    def load_bytecode(self, bucket: Bucket) -> None:
        if code := self._codes.get(bucket.key):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key] = bucket.bytecode_to_string()


_compiled = _Compiled()


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set while the application lives: what it starts (tasks, the command line) must find the same servers."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _in_context(app: Flask) -> Iterator[None]:
    from portal.core.db import db

    with app.app_context():
        yield
        db.session.remove()


@contextmanager
def _clone(owner_url: str, template: str, name: str) -> Iterator[str]:
    # PostgreSQL refuses to copy a template that another session is connected to: copies are made one at a time.
    with _lock(f"quittance-{template}.lock"), _administrator(owner_url) as connection:
        _copy(connection, template, name)
    try:
        yield name
    finally:
        with _administrator(owner_url) as connection:
            _let_go(connection, name)


def _copy(connection: psycopg.Connection[tuple[object, ...]], template: str, name: str) -> None:
    connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(_id(name), _id(template)))


def _let_go(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    # whoever connects again by itself must not, between the two
    connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(_id(name)))
    _hang_up(name)
    _drop(connection, name)


def _drop(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    """With the owner's sessions in it. Autovacuum is not the owner's to end; the plain statement sends it away."""
    plain = sql.SQL("DROP DATABASE IF EXISTS {}").format(_id(name))
    with suppress(psycopg.errors.InsufficientPrivilege):
        connection.execute(plain + sql.SQL(" WITH (FORCE)"))
    connection.execute(plain)


def _hang_up(name: str) -> None:
    """End the application's listeners: the owner, who drops the database, may not end another role's connections."""
    application = _spelled(make_url(_given("DATABASE_URL")).set(database="postgres"))
    with psycopg.connect(application, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
                           " WHERE datname = %s AND usename = current_user", [name])


def _migrate(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    """Under another name first: a template that exists is a template that is whole."""
    making = f"making_{name}"
    _drop(connection, making)
    connection.execute(sql.SQL("CREATE DATABASE {}").format(_id(making)))
    settings = {"DATABASE_OWNER_URL": _on("DATABASE_OWNER_URL", making), "DATABASE_URL": _on("DATABASE_URL", making)}
    done = subprocess.run([sys.executable, "-m", "flask", "db", "upgrade"], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, **settings, "FLASK_APP": "wsgi.py"}, check=False)
    if done.returncode:
        pytest.exit(f"the migrations failed:\n{done.stdout}{done.stderr}", returncode=3)
    connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(_id(making), _id(name)))


def _forget_old_templates(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Templates of older migrations, the oldest first, and clones that a killed run left."""
    found = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'template\\_%' ORDER BY oid DESC")
    old = [str(name) for (name,) in found if str(name) not in ("template0", "template1")][KEPT_TEMPLATES:]
    clones = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'clone\\_%'").fetchall()
    left = [str(name) for (name,) in clones if not Path(f"/proc/{str(name).split('_')[1]}").exists()]
    for name in [*old, *left]:
        _drop(connection, name)


def _administrator(owner_url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(owner_url, dbname="postgres", autocommit=True)


def _exists(connection: psycopg.Connection[tuple[object, ...]], name: str) -> bool:
    return connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def _id(name: str) -> sql.Identifier:
    return sql.Identifier(name)


def _migrations_hash() -> str:
    """Of every file that says what the schema is, so that an edited migration makes a new template."""
    files = sorted(path for path in (ROOT / "migrations").rglob("*") if path.suffix in (".py", ".sql", ".ini"))
    told = hashlib.sha256()
    for path in files:
        told.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return told.hexdigest()[:16]


def _given(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        pytest.exit(f"{name} is not set: run the tests with bin/test", returncode=4)
    return value


def _on(name: str, database: str) -> str:
    return make_url(_given(name)).set(database=database).render_as_string(hide_password=False)


def _spelled(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _claim_valkey() -> tuple[int, IO[str]]:
    """A number and the lock that holds it for the life of this process."""
    port = make_url(_given("REDIS_URL")).port
    for number in VALKEY_NUMBERS:
        claim = open(_temporary(f"quittance-valkey-{port}-{number}.lock"), "w")  # noqa: SIM115
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            claim.close()
            continue
        return number, claim
    pytest.exit("every Valkey database is taken by another test run", returncode=4)


def _temporary(name: str) -> Path:
    return Path(os.environ.get("QUITTANCE_HOME") or gettempdir()) / name


@contextmanager
def _lock(name: str) -> Iterator[IO[str]]:
    """Across the workers of a run, and across runs."""
    with open(_temporary(name), "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield held
