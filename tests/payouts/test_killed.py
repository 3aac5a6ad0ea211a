"""A worker that is killed in the middle of a file: no row twice, none lost, the books whole (faults 1)."""
from pathlib import Path

import pytest
from flask import Flask

from portal.core.ids import parse
from portal.payouts import making, service
from portal.payouts.models import PayoutImport
from tests import factories as f
from tests import people
from tests.payouts.conftest import csv_of, prefund, row
from tests.running import running_desk, wait_for
from tests.tasks.record import Record, books_hold

ROWS = 600
# Where a batch stands still while a test holds the table: payouts to write, their entries, all but committed.
MOMENTS = (("orders", "EXCLUSIVE"), ("journal_entries", "SHARE"), ("payout_import_rows", "SHARE"),
           ("jobs_done", "SHARE"))


@pytest.fixture
def record(fresh_database, url_of) -> Record:
    return Record(url_of(fresh_database, "owner"))


@pytest.mark.slow
def test_no_row_twice_and_none_lost(fresh_app: Flask, fresh_database: str, record: Record, tmp_path: Path) -> None:
    cast = f.new_cast()
    prefund(cast, "20000.000000")
    owner = people.person("merchant_owner", merchant_id=cast.merchant.id).actor
    content = csv_of([row(cast, external_id=f"r-{number}") for number in range(ROWS)])
    with f.act() as session:
        taken = service.take_in(session, owner, cast.store.id, content=content, file_name="salaries.csv").public_id
    with f.act() as session:
        service.send(session, owner, taken)
    id = parse("pim", taken)
    with running_desk(fresh_database, tmp_path / "desk.log", "dispatcher") as desk:
        for moment in MOMENTS:
            with record.held(moment):
                desk.start("worker")
                wait_for(lambda: record.one("SELECT count(*) FROM jobs WHERE kind = 'make_payouts'"
                                            " AND leased_until > now()"), "the file is in hand")
                wait_for(lambda: record.one("SELECT count(*) FROM pg_locks WHERE NOT granted"), "it stands still")
                desk.kill("worker")
            assert record.one("SELECT count(*) FROM orders") % making.BATCH == 0, "all of a batch or nothing"
            record.leases_run_out()
        desk.start("worker")
        wait_for(lambda: record.one("SELECT state FROM payout_imports WHERE id = %s", id) == "done", "all are made", 60)
    assert record.one("SELECT count(*) FROM orders") == ROWS
    assert record.one("SELECT count(DISTINCT external_id) FROM orders") == ROWS
    assert record.one("SELECT count(*) FROM journal_entries WHERE kind = 'payout_hold'") == ROWS
    assert record.one("SELECT count(*) FROM payout_import_rows r JOIN orders o ON o.id = r.order_id"
                      " AND o.external_id = r.external_id WHERE r.state = 'made'") == ROWS
    with f.look() as session:
        found = session.get_one(PayoutImport, id)
    assert (found.made, found.failed, found.state) == (ROWS, 0, "done")
    assert record.one("SELECT max(lost) FROM jobs_done WHERE kind = 'make_payouts'"), "the killed had it in hand"
    books_hold()
