"""The wire itself: what had been done on the server when a client dies at each kind of stop."""
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.killed.wire import Stop, Wire, wire_to
from tests.running import wait_for

INSERT = "INSERT INTO job_slots (kind, slot) VALUES ('of the wire', 1)"


@pytest.fixture
def wire(fresh_database: str) -> Iterator[Wire]:
    with wire_to(os.environ["DATABASE_URL"]) as made:
        yield made


@pytest.mark.parametrize(("at", "stands"), [("statement", 0), ("commit", 0), ("committed", 1)])
@pytest.mark.parametrize("how", ["one by one", "pipelined", "alone"])
def test_where_a_client_dies(wire: Wire, fresh_database: str, url_of, at: str, stands: int, how: str) -> None:
    """`alone`: the statement is a transaction of its own."""
    if (at, how) == ("commit", "alone"):
        pytest.skip("there is no such moment")
    url, by_wire = url_of(fresh_database, "app"), wire.url(os.environ["DATABASE_URL"]).replace("+psycopg", "")

    def insert(name: str) -> None:
        with psycopg.connect(by_wire, dbname=fresh_database, application_name=name,
                             autocommit=how == "alone") as connection:
            if how == "pipelined":
                with connection.pipeline():
                    connection.execute(INSERT)
                    connection.execute("COMMIT")
            else:
                connection.execute(INSERT)

    def written() -> int:
        with psycopg.connect(url) as connection:
            return int(connection.execute("SELECT count(*) FROM job_slots WHERE kind = 'of the wire'").fetchone()[0])

    wire.stop_at(Stop("worker", "job_slots", at))
    with ThreadPoolExecutor(1) as one:
        held = one.submit(insert, "quittance-worker")
        wait_for(lambda: wire.stands, "it stands still")
        assert written() == stands
        assert not held.done()
        wire.close_lines()
        with pytest.raises(psycopg.OperationalError):
            held.result(10)
    wire.let_go()
    wait_for(lambda: written() == stands, "what was not committed is gone")


def test_others_pass(wire: Wire, fresh_database: str) -> None:
    """Another process's connections, and transactions without the statement."""
    wire.stop_at(Stop("worker", "job_slots", "statement"))
    for name, statement in (("quittance-web", INSERT), ("quittance-worker", "SELECT 1 FROM jobs")):
        with psycopg.connect(wire.url(os.environ["DATABASE_URL"]).replace("+psycopg", ""), dbname=fresh_database,
                             application_name=name) as connection:
            connection.execute(statement)
    assert not wire.stands
