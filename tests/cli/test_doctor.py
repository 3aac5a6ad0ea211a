"""`flask doctor`: a planted fault is found and told with its cure; what is well is not complained of."""
import os
from datetime import timedelta

import psycopg
import pytest
from click.testing import Result
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import make_url

from portal.cli.doctor import MARKS
from portal.cli.examinations import Need, database, machine
from portal.core import clock
from portal.core.db import reader
from tests.running import free_port


def ask(app: Flask, *options: str) -> Result:
    return app.test_cli_runner().invoke(args=["doctor", *options])


def lines(said: Result, about: str) -> list[str]:
    return [line for line in said.output.splitlines() if line[5:].startswith(f"{about}:")]


def test_what_is_wrong_is_told_with_its_cure(fresh_app, fresh_database, url_of, tmp_path, monkeypatch):
    monkeypatch.setenv("QUITTANCE_HOME", str(tmp_path))
    before = ask(fresh_app)
    assert any("months until" in line for line in lines(before, "partitions"))
    assert lines(before, "indexes")[0].startswith("well")
    assert lines(before, "extensions")[0].startswith("well")
    assert "well jobs: none is dead" in before.output
    assert "ACT  processes: the worker does nothing" in before.output, "nobody works in this test"
    assert before.exit_code == 2
    reader().rollback()

    with psycopg.connect(url_of(fresh_database, "owner"), autocommit=True) as owner:
        month = f"{clock.now() + timedelta(days=35):%Y%m}"
        owner.execute(f"DROP TABLE audit_rows_p{month}")
        owner.execute("""INSERT INTO jobs (kind, unique_key, run_at, dead_at, created_at)
                         VALUES ('prove_ledger', 'x', now(), now(), now())""")
        owner.execute("CREATE TABLE twice AS SELECT 1 AS number FROM generate_series(1, 2)")
        with pytest.raises(psycopg.errors.UniqueViolation):  # as a release that fails half way
            owner.execute("CREATE UNIQUE INDEX CONCURRENTLY ix_half ON twice (number)")
        owner.execute("CREATE EXTENSION citext VERSION '1.4'")  # as a server has it that was upgraded beneath it
    (tmp_path / "backups" / "one").mkdir(parents=True)
    manifest = tmp_path / "backups" / "one" / "manifest"
    manifest.touch()
    two_days_ago = (clock.now() - timedelta(days=2)).timestamp()
    os.utime(manifest, (two_days_ago, two_days_ago))

    said = ask(fresh_app, "--quiet")
    assert said.exit_code == 2
    assert "well" not in said.output
    assert any(f"audit_rows lack the month {month}" in line for line in lines(said, "partitions"))
    assert any("not valid: ix_half" in line for line in lines(said, "indexes"))
    assert lines(said, "extensions")[0].startswith("look extensions: citext is 1.4, the server has ")
    assert "ACT  jobs: 1 are dead" in said.output
    assert lines(said, "backups")[0].startswith("ACT  backups: the newest is of")
    assert "ACT  backups: no restore was ever tried" in said.output
    assert said.output.count("→") == sum(line[:3] in ("ACT", "loo") for line in said.output.splitlines())


def test_a_full_disk_is_named_before_postgresql_stops(fresh_app, tmp_path, monkeypatch):
    """The disk is the machine's own; what it says is not."""
    monkeypatch.setenv("QUITTANCE_HOME", str(tmp_path))
    monkeypatch.setattr("shutil.disk_usage", lambda folder: (100 * 1024 ** 3, 95 * 1024 ** 3, 5 * 1024 ** 3))
    assert any(line.startswith("ACT  disk: 5.0 of 100 GiB are free") for line in lines(ask(fresh_app), "disk"))


def test_days_are_looked_at_apart_from_months(fresh_app, fresh_database, url_of):
    """A row of the log of calls beside its day is dropped with the day's making: nobody has to move it."""
    assert any("has its next 2" in line for line in lines(ask(fresh_app), "partitions"))
    reader().rollback()
    day = f"{clock.now() + timedelta(days=1):%Y%m%d}"
    with psycopg.connect(url_of(fresh_database, "owner"), autocommit=True) as owner:
        owner.execute(f"DROP TABLE logged_calls_p{day}")
        owner.execute("""INSERT INTO logged_calls_p2default
            (id, created_at, store_id, live, key_id, method, path, status, ms, request_bytes, answer_bytes)
            VALUES (uuidv7(), now() + interval '90 days', uuidv7(), true, uuidv7(), 'GET', '/', 200, 1, 0, 0)""")
        owner.execute("ANALYZE logged_calls_p2default")
    said = ask(fresh_app, "--quiet")
    assert any(f"ACT  partitions: logged_calls_p{day} are not there" in line for line in lines(said, "partitions"))
    assert "keep_days" in said.output
    assert "rows lie in" not in said.output, "to move them into their month would be the wrong advice"


def test_a_standby_that_does_not_answer_is_told(fresh_app, fresh_database, url_of):
    assert not lines(ask(fresh_app), "standby"), "none is named"
    settings = fresh_app.extensions["settings"]
    here = make_url(url_of(fresh_database, "app"))
    for url, said in ((here.set(host="127.0.0.1", port=free_port(), query={}), "ACT  standby: does not answer"),
                      (here, "look standby: what answers is the primary")):
        named = settings.model_copy(update={
            "database_replica_url": SecretStr(url.render_as_string(hide_password=False))})
        found = next(database.standby(reader(), named))
        assert f"{MARKS[found.need]:5}{found.about}: {found.found}".startswith(said)


def test_a_scanner_that_does_not_answer_is_told(fresh_app):
    assert not lines(ask(fresh_app), "scanner"), "none is named"
    named = fresh_app.extensions["settings"].model_copy(update={"clamd_address": f"127.0.0.1:{free_port()}"})
    assert [(one.need, one.found) for one in machine.scanner(reader(), named)] == [
        (Need.ACT, "does not answer: no file is taken")]
