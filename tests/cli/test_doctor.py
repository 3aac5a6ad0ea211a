"""`flask doctor`: a planted fault is found and told with its cure; what is well is not complained of."""
import os
from datetime import timedelta

import psycopg
import pytest
from click.testing import Result
from flask import Flask

from portal.core import clock
from portal.core.db import reader


def ask(app: Flask, *options: str) -> Result:
    return app.test_cli_runner().invoke(args=["doctor", *options])


def lines(said: Result, about: str) -> list[str]:
    return [line for line in said.output.splitlines() if line[5:].startswith(f"{about}:")]


def test_what_is_wrong_is_told_with_its_cure(fresh_app, fresh_database, url_of, tmp_path, monkeypatch):
    monkeypatch.setenv("QUITTANCE_HOME", str(tmp_path))
    before = ask(fresh_app)
    assert any("months until" in line for line in lines(before, "partitions"))
    assert lines(before, "indexes")[0].startswith("well")
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
    assert "ACT  jobs: 1 are dead" in said.output
    assert lines(said, "backups")[0].startswith("ACT  backups: the newest is of")
    assert "ACT  backups: no restore was ever tried" in said.output
    assert said.output.count("→") == sum(line[:3] in ("ACT", "loo") for line in said.output.splitlines())


def test_a_full_disk_is_named_before_postgresql_stops(fresh_app, tmp_path, monkeypatch):
    """The disk is the machine's own; what it says is not."""
    monkeypatch.setenv("QUITTANCE_HOME", str(tmp_path))
    monkeypatch.setattr("shutil.disk_usage", lambda folder: (100 * 1024 ** 3, 95 * 1024 ** 3, 5 * 1024 ** 3))
    assert any(line.startswith("ACT  disk: 5.0 of 100 GiB are free") for line in lines(ask(fresh_app), "disk"))
