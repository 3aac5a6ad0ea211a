"""A standby that is taken for the database, a commit that waits for ever: found out, let go of, said with a code."""
import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg import errors as pg
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from portal.core import db_outage, readiness
from portal.core.db import db, give_back, transaction, translated
from portal.core.db_outage import hang_up, is_away
from portal.core.errors import DatabaseUnavailable, OutcomeUnknown
from portal.core.pipeline import autocommit, rows
from portal.ledger import verify
from portal.server.loop_connection import LoopDatabase
from tests.running import wait_for

READ_ONLY = "SELECT set_config('default_transaction_read_only', 'on', false)"  # this session is as a standby's now
WRITE = "INSERT INTO jobs (kind, unique_key, run_at, created_at) VALUES ('test', {}, now() + interval '1 day', now())"


@contextmanager
def led_to_a_standby() -> Iterator[None]:
    """The connection that this thread takes next has been led to a server that only reads; later ones find the right
    one."""
    mine = threading.get_ident()

    def turn(driver: psycopg.Connection[object], record: object, proxy: object = None) -> None:
        if "once" not in turned and threading.get_ident() == mine:
            turned.add("once")
            driver.autocommit = True
            driver.execute(READ_ONLY)
            driver.autocommit = False

    turned: set[str] = set()
    db.session.remove()
    event.listen(db.engine, "checkout", turn)
    try:
        yield
    finally:
        event.remove(db.engine, "checkout", turn)


def backend() -> int:
    with transaction() as session:
        return int(session.execute(text("SELECT pg_backend_pid()")).scalar_one())


def test_a_standby_counts_as_away_and_its_connection_is_let_go_of(app: Flask) -> None:
    """A process that had reconnected to a standby answered 500 to every create until somebody restarted it."""
    with led_to_a_standby():
        with pytest.raises(DatabaseUnavailable), transaction() as session:
            session.execute(text(WRITE.format("'standby'")))
        with transaction() as session:
            session.execute(text(WRITE.format("'primary'")))


def test_who_has_proved_the_books_notices_a_standby_too(app: Flask) -> None:
    """After `ledger verify` a connection asked for READ WRITE each time, and was refused in other words."""
    give_back()
    verify.run(db.session(), verify.OWN[:1])
    with led_to_a_standby(), pytest.raises(DatabaseUnavailable), transaction() as session:
        session.execute(text(WRITE.format("'proved'")))


def test_hot_statements_let_go_of_a_standby_too(app: Flask) -> None:
    hot = WRITE + " RETURNING id"
    with led_to_a_standby():
        with pytest.raises(DBAPIError) as refused:
            autocommit(db.engine, hot.format("'hot at once'"), {})
        assert refused.value.connection_invalidated
        autocommit(db.engine, hot.format("'hot at once'"), {})
    with led_to_a_standby():
        with pytest.raises(DatabaseUnavailable), transaction() as session:
            rows(session, hot.format("'hot rows'"), {})
        with transaction() as session:
            rows(session, hot.format("'hot rows'"), {})


def test_the_loops_connection_is_made_anew_after_a_standby(app: Flask) -> None:
    hot = WRITE + " RETURNING id"

    async def act() -> None:
        database = LoopDatabase(db.engine)
        await database.run(READ_ONLY, {}, lambda session, found: None)
        with pytest.raises(pg.ReadOnlySqlTransaction):
            await database.run(hot.format("'loop'"), {}, lambda session, found: None)
        await database.run(hot.format("'loop'"), {}, lambda session, found: None)
        await database.close()

    asyncio.run(act())


@pytest.fixture
def read_only_database(app: Flask, fresh_database: str, url_of: Callable[[str, str], str]) -> str:
    """Every session of it begins read-only, as on a standby."""
    with psycopg.connect(url_of(fresh_database, "owner"), dbname="postgres", autocommit=True) as owner:
        owner.execute(f"ALTER DATABASE {fresh_database} SET default_transaction_read_only = on")
    return fresh_database


def test_nobody_connects_to_a_standby(app: Flask, read_only_database: str) -> None:
    """Neither the pool's connections nor the loop's."""
    from sqlalchemy import create_engine

    from portal.core.db import engine_options

    url = make_url(db.engine.url).set(database=read_only_database)
    engine = create_engine(url, **engine_options("web", pool_size=1))
    with pytest.raises(DBAPIError) as refused, engine.connect():
        pass
    assert "read-only" in str(refused.value.orig)
    with pytest.raises(psycopg.OperationalError, match="read-only"):
        asyncio.run(LoopDatabase(engine).run("SELECT 1", {}, lambda session, found: None))


def test_ready_is_who_can_write(app: Flask, client: FlaskClient) -> None:
    """A standby answered the probe's SELECT, and the balancer went on sending orders here."""
    assert client.get("/readyz").status_code == 200
    with led_to_a_standby():
        answer = client.get("/readyz")
        assert (answer.status_code, answer.get_json()["reasons"]) == (503, ["database"])
        assert client.get("/readyz").status_code == 200, "the next look finds the database where it is now"


def test_a_schema_of_a_release_to_come_is_ready_and_an_older_one_is_not(app: Flask, monkeypatch: pytest.MonkeyPatch
                                                                        ) -> None:
    """The release's migrations used to empty the balancer until every web was replaced."""
    with db.engine.connect() as connection:
        stands_at = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
    assert readiness.reasons_not_ready() == []
    monkeypatch.setattr(readiness, "_behind", lambda: frozenset({"0001", stands_at}))  # we know one that comes after it
    assert readiness.reasons_not_ready() == ["migrations"]
    monkeypatch.setattr(readiness, "_behind", lambda: frozenset({"0001"}))  # we know nothing of it
    assert readiness.reasons_not_ready() == []


@pytest.mark.parametrize(("error", "away"), [
    (pg.ReadOnlySqlTransaction(), True), (pg.ProtocolViolation(), True), (pg.ConnectionFailure(), True),
    (pg.AdminShutdown(), True), (pg.CannotConnectNow(), True), (pg.TooManyConnections(), True),
    (pg.IdleInTransactionSessionTimeout(), True), (psycopg.OperationalError("server closed the connection"), True),
    (pg.UniqueViolation(), False), (pg.LockNotAvailable(), False), (pg.QueryCanceled(), False),
    (pg.DeadlockDetected(), False), (pg.DiskFull(), False), (ValueError(), False), (None, False)])
def test_what_is_weather(error: BaseException | None, away: bool) -> None:
    assert is_away(error) is away


def test_a_full_disk_is_to_be_tried_again_and_the_connection_is_good(app: Flask) -> None:
    """It was a 500 on every create: found by the drill."""
    def out_of_room() -> int:
        with transaction() as session:
            server = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with pytest.raises(DatabaseUnavailable), translated():
                session.execute(text("DO $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$"))
            session.rollback()
            return int(server)

    with app.app_context():
        assert out_of_room() == out_of_room(), "nobody hung up on it"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db_outage, "ANSWER_WITHIN_S", 0.3)


@contextmanager
def commits_wait(url: str) -> Iterator[Callable[[], None]]:
    """As for a standby that is frozen: each commit of a job of kind `waits` waits. Gives what lets them go on."""
    with psycopg.connect(url, autocommit=True) as owner, psycopg.connect(url) as holder:
        owner.execute("CREATE TABLE IF NOT EXISTS standby (id int)")
        owner.execute("""CREATE OR REPLACE FUNCTION wait_for_standby() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
            SET lock_timeout = 0 AS $$ BEGIN LOCK TABLE standby IN SHARE MODE; RETURN NULL; END $$""")
        owner.execute("""CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON jobs DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
            WHEN (NEW.kind = 'waits') EXECUTE FUNCTION wait_for_standby()""")
        holder.execute("LOCK TABLE standby IN EXCLUSIVE MODE")
        yield holder.rollback
        holder.rollback()
        owner.execute("DROP TRIGGER waits ON jobs")


def written(url: str) -> int:
    with psycopg.connect(url) as owner:
        row = owner.execute("SELECT count(*) FROM jobs WHERE kind = 'waits'").fetchone()
    assert row
    return int(row[0])


WAITS = "INSERT INTO jobs (kind, unique_key, run_at, created_at) VALUES ('waits', 'w', now(), now()) RETURNING id"


def test_a_commit_that_waits_for_a_standby_is_left_to_itself(fresh_app: Flask, fresh_database: str, impatient: None,
                                                             url_of: Callable[[str, str], str]) -> None:
    """The thread is free again and says that the outcome is unknown; nothing is cancelled: it stands later."""
    url = url_of(fresh_database, "owner")
    with commits_wait(url) as go_on:
        begun = time.monotonic()
        with pytest.raises(OutcomeUnknown), transaction() as session:
            session.execute(text(WAITS))
        assert time.monotonic() - begun < 2
        assert written(url) == 0
        go_on()
        wait_for(lambda: written(url) == 1, "what was sent is committed all the same", 5)


def test_nobody_waits_for_ever_on_the_loop(fresh_app: Flask, fresh_database: str, impatient: None,
                                           url_of: Callable[[str, str], str]) -> None:
    url = url_of(fresh_database, "owner")

    async def act() -> None:
        database = LoopDatabase(db.engine)
        with pytest.raises(OutcomeUnknown):
            await database.run(WAITS, {}, lambda session, found: None)
        assert await database.run("SELECT 1", {}, lambda session, found: found) == [(1,)]
        await database.close()

    with commits_wait(url) as go_on:
        asyncio.run(act())
        go_on()
        wait_for(lambda: written(url) == 1, "what was sent is committed all the same", 5)


def test_who_is_hung_up_on_finds_the_connection_gone(app: Flask, url_of: Callable[[str, str], str], database: str
                                                     ) -> None:
    url = url_of(database, "owner")
    with psycopg.connect(url, autocommit=True) as connection, psycopg.connect(url, autocommit=True) as other:
        def waits() -> bool:
            return other.execute("SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = %s",
                                 (connection.info.backend_pid,)).fetchone() == (True,)

        def once_it_waits() -> None:
            wait_for(waits, "it waits")
            hang_up(connection)

        hanging = threading.Thread(target=once_it_waits)
        hanging.start()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT pg_sleep(30)")
        hanging.join()
        hang_up(connection)  # harmless twice
