"""Several hot statements on their way at once: in order, all or nothing, and whoever asks in between waits for them."""
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.core.db import after_commit, db, transaction
from portal.core.errors import DatabaseUnavailable
from portal.core.ids import new_id
from portal.core.pipeline import Rows, array, pipelined, queue, rows

COUNT = "SELECT count(*) FROM jobs WHERE unique_key = ANY(%(keys)s)"
WRITE = ("INSERT INTO jobs (kind, unique_key, run_at, created_at)"
         " VALUES ('test', %(key)s, now() + interval '1 day', now()) RETURNING unique_key")


def counted(keys: list[str]) -> int:
    with transaction() as session:
        return int(rows(session, COUNT, {"keys": keys})[0][0])


def two_keys() -> list[str]:
    return [new_id().hex, new_id().hex]


def test_answers_come_at_the_end_in_the_order_of_the_statements(app: Flask) -> None:
    keys, told = two_keys(), Rows()
    with transaction() as session, pipelined(session):
        for key in keys:
            queue(session, WRITE, {"key": key}, told.extend)
        assert not told
    assert told == [(key,) for key in keys]
    assert counted(keys) == 2


@pytest.mark.parametrize(("type", "values"), [
    ("bytea[]", [b"", b'\x00\xff\\"{},', None]), ("uuid[]", [new_id(), new_id()]),
    ("timestamptz[]", [datetime(2026, 3, 29, 1, 30, 0, 7, tzinfo=UTC), None]),
    ("text[]", ["", "NULL", 'a "quoted" \\ {one, two}', None]), ("inet[]", ["203.0.113.4", "2001:db8::/32"]),
    ("bigint[]", [-(2**63), 2**63 - 1]), ("boolean[]", [True, None]),
    ("text[]", [])])
def test_an_array_is_what_it_was_made_of(app: Flask, type: str, values: list[Any]) -> None:
    with transaction() as session:
        [(found,)] = rows(session, f"SELECT CAST(%(given)s AS {type})", {"given": array(values)})
    assert [str(value) if type == "inet[]" else value for value in found] == values


def test_alone_a_statement_is_answered_at_once(app: Flask) -> None:
    keys, told = two_keys(), Rows()
    with transaction() as session:
        queue(session, WRITE, {"key": keys[0]}, told.extend)
        assert told == [(keys[0],)]


def test_whoever_asks_in_between_sees_what_was_sent(app: Flask) -> None:
    keys, told = two_keys(), Rows()
    with transaction() as session, pipelined(session):
        queue(session, WRITE, {"key": keys[0]}, told.extend)
        assert rows(session, COUNT, {"keys": keys}) == [(1,)]
        assert told == [(keys[0],)]
        queue(session, WRITE, {"key": keys[1]}, told.extend)
        by_sqlalchemy = session.scalar(text("SELECT count(*) FROM jobs WHERE unique_key = ANY(:keys)"), {"keys": keys})
        assert by_sqlalchemy == 2
        assert told == [(key,) for key in keys]


def test_one_that_is_refused_takes_the_others_back(app: Flask) -> None:
    keys, effects = two_keys(), list[str]()
    with pytest.raises(IntegrityError), transaction() as session, pipelined(session):
        queue(session, WRITE, {"key": keys[0]}, lambda found: after_commit(session, lambda: effects.append("told")))
        queue(session, WRITE, {"key": keys[0]})
        queue(session, WRITE, {"key": keys[1]})
    assert counted(keys) == 0
    assert not effects


def test_who_does_not_like_an_answer_or_fails_in_between_takes_all_back(app: Flask) -> None:
    keys = two_keys()

    def refuse(found: Rows) -> None:
        raise RuntimeError("not what was expected")

    with pytest.raises(RuntimeError, match="expected"), transaction() as session, pipelined(session):
        queue(session, WRITE, {"key": keys[0]}, refuse)
    with pytest.raises(RuntimeError, match="meanwhile"), transaction() as session, pipelined(session):
        queue(session, WRITE, {"key": keys[1]})
        raise RuntimeError("meanwhile")
    assert counted(keys) == 0  # and the connection is fit for the next


def test_a_database_that_goes_away_with_statements_under_way_is_said_so(app: Flask) -> None:
    keys = two_keys()

    def cut_off(session: Session) -> None:
        pid = session.connection().connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
        with create_engine(db.engine.url, poolclass=NullPool).connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

    with pytest.raises(DatabaseUnavailable), transaction() as session, pipelined(session):
        queue(session, WRITE, {"key": keys[0]})
        cut_off(session)
        queue(session, WRITE, {"key": keys[1]})
    db.session.remove()
    assert counted(keys) == 0
