"""A month of five years ago is archived, leaves the database, is missed calmly, and comes back as it was."""
import gzip
import json
import os
import subprocess
import sys
import threading

import psycopg
import pytest

from portal.core.audit import AuditRow
from portal.history import archive, moving
from portal.history.months import TABLES, partition
from tests import factories as f
from tests import people
from tests.conftest import ROOT
from tests.history.conftest import Old, all_sealed
from tests.running import wait_for


def test_a_month_leaves_and_comes_back_as_it_was(old: Old) -> None:
    before = {table: old.rows(table) for table in TABLES}
    listed = old.history("list", "--due").output
    assert all(f"due      {old.said}  {table}" in listed for table in TABLES)

    done = old.history("archive")
    assert done.exit_code == 0, done.output
    assert {table: old.rows(table) for table in TABLES} == before, "nothing leaves by this"
    again = old.history("archive")
    assert again.output.count("is written already") == len(TABLES)
    done = old.history("detach", "--yes")
    assert done.exit_code == 0, done.output
    assert not any(old.rows(table) for table in TABLES)
    with psycopg.connect(old.owner_url) as owner:
        assert not [name for table in TABLES for name in owner.execute(
            "SELECT to_regclass(%s)", [partition(table, old.month)]).fetchone() if name]
    all_sealed()
    said = old.run("audit", "verify")
    sealed = len(before["audit_rows"]) + len(before["order_events"])
    assert said.exit_code == 0, said.output
    assert f"archived {sealed} rows lie in archived months" in said.output
    assert old.history("verify").output.count("holds ") == len(TABLES)
    assert f"away     {old.said}  order_events" in old.history("list").output

    done = old.history("attach")
    assert done.exit_code == 0, done.output
    assert {table: old.rows(table) for table in TABLES} == before
    all_sealed()
    said = old.run("audit", "verify")
    assert (said.exit_code, "archived" in said.output) == (0, False), said.output
    with pytest.raises(psycopg.errors.RestrictViolation), psycopg.connect(old.owner_url) as owner:
        owner.execute(f"UPDATE order_events SET actor_name = 'x' WHERE order_id = '{old.order.id}'")
    assert old.history("detach", "--yes").exit_code == 0, "the same file is good for it again"
    with f.look() as session:
        acts = session.query(AuditRow.action).filter(AuditRow.target_kind == "history").all()
    assert [acts.count((act,)) for act in ("history.archived", "history.detached", "history.attached")] == [7, 14, 7]


def test_what_is_needed_stays(old: Old) -> None:
    assert (done := old.history("archive")).exit_code == 0, done.output
    for statement, undo, said in (
            (f"UPDATE orders SET status = 'retrying' WHERE id = '{old.order.id}'",
             f"UPDATE orders SET status = 'completed' WHERE id = '{old.order.id}'", "orders that have not ended: 1"),
            ("UPDATE assignments SET state = 'chosen'", "UPDATE assignments SET state = 'ended'",
             "attempts that still hold collateral: 1"),
            ("INSERT INTO legal_holds (id, created_at, kind, shown, order_id, reason, made_name) VALUES "
             f"(uuidv7(), now(), 'order', 'x', '{old.order.id}', 'court', 'x')",
             "UPDATE legal_holds SET lifted_at = now(), lifted_name = 'x'", "legal holds: 1"),
            ("DELETE FROM ledger_proofs", None, "proof of the whole books that is lacking")):
        old.owned(statement)
        refused = old.history("detach", "--yes", "--table", "order_events")
        assert (refused.exit_code, said in refused.output) == (1, True), refused.output
        assert old.rows("order_events")
        if undo:
            old.owned(undo)
    assert old.run("ledger", "verify").exit_code == 0
    refused = old.history("detach", "--yes", "--table", "webhook_events")
    assert "deliveries that are kept: 1" in refused.output
    old.owned("UPDATE webhook_deliveries SET state = 'pending'")
    assert "deliveries on their way: 1" in old.history("detach", "--yes", "--table", "webhook_deliveries").output
    young = old.run("history", "archive", "2099-01", str(old.folder))
    assert (young.exit_code, "nothing of 2099-01" in young.output) == (1, True)


def test_only_a_whole_archive_lets_a_month_go(old: Old) -> None:
    refused = old.history("detach", "--yes", "--table", "order_events")
    assert (refused.exit_code, "is no manifest" in refused.output) == (1, True)
    assert (done := old.history("archive")).exit_code == 0, done.output
    file = archive.file_of(old.folder, "order_events", old.month)
    assert (file.stat().st_mode & 0o777, old.folder.stat().st_mode & 0o777) == (0o600, 0o700)
    whole = file.read_bytes()
    for broken in (whole[:-9], whole[:40] + bytes([whole[40] ^ 1]) + whole[41:], b""):
        file.write_bytes(broken)
        refused = old.history("detach", "--yes", "--table", "order_events")
        assert (refused.exit_code, bool(old.rows("order_events"))) == (1, True), refused.output
    # a file and a manifest that agree with one another, of other rows
    other = gzip.compress(gzip.decompress(whole).replace(b"1000", b"9000"))
    file.write_bytes(other)
    manifest = archive.manifest_of(old.folder, "order_events", old.month)
    tally = archive.Tally("order_events")
    for line in archive.lines(old.folder, "order_events", old.month):
        tally.add(line)
    said = json.loads(manifest.read_text())
    made = tally.manifest("order_events", old.month, said["columns"])
    manifest.write_text(json.dumps(said | {"sha256": made.sha256, "sum": made.sum,
                                           "file_sha256": archive._sha256_of(file)}))
    refused = old.history("detach", "--yes", "--table", "order_events")
    assert (refused.exit_code, "knows of no such archive" in refused.output) == (1, True), refused.output
    assert old.history("archive", "--table", "order_events").exit_code == 0, "it is written anew"
    old.owned("UPDATE order_events SET actor_name = 'mallory' WHERE type = 'payin.completed'")
    assert "rows are not those of the file" in old.history("detach", "--yes", "--table", "order_events").output
    assert old.history("archive", "--table", "order_events").exit_code == 0
    refused = old.history("detach", "--yes", "--table", "order_events")
    assert "a row is not as seal" in refused.output, "what was changed does not leave as if it were right"
    assert old.rows("order_events")


def test_an_archived_row_that_nobody_has_is_told(old: Old) -> None:
    """Who takes a row out of an archived month's time, or says that another month is away, is found by its sum."""
    assert (done := old.history("archive")).exit_code == 0, done.output
    assert old.history("detach", "--yes").exit_code == 0
    with psycopg.connect(old.owner_url) as owner:
        owner.execute("UPDATE archived_months SET rows = rows - 1, sum = sha256('x') WHERE table_name = 'audit_rows'")
    said = old.run("audit", "verify")
    assert (said.exit_code, "differs archived months:" in said.output) == (1, True), said.output


def test_two_commands_do_not_meet(old: Old, fresh_app) -> None:
    with moving.owner(fresh_app.extensions["settings"].owner_url):
        refused = old.history("archive")
    assert (refused.exit_code, "another command moves months" in refused.output) == (1, True)
    assert (done := old.history("archive")).exit_code == 0, done.output
    with pytest.raises(archive.Refused, match="only the owner"), moving.owner(
            fresh_app.extensions["settings"].sqlalchemy_url):
        pass
    with psycopg.connect(old.owner_url) as reading:  # an export that takes its time
        reading.execute("SELECT count(*) FROM order_events")
        moving_tries, moving.TRIES_MAX = moving.TRIES_MAX, 2
        try:
            refused = old.history("detach", "--yes", "--table", "order_events")
        finally:
            moving.TRIES_MAX = moving_tries
        assert (refused.exit_code, "in use all the time" in refused.output) == (1, True), refused.output
    assert old.rows("order_events"), "nothing is half"
    assert old.history("detach", "--yes").exit_code == 0


def test_an_order_of_an_archived_month_is_found_and_says_so(old: Old) -> None:
    """By its id and by the store's own, from search, lists and the gateway; its pages open, and say what is away."""
    staff, desk = people.seat(old.app, people.person("super_admin")), old.order
    merchant = people.seat(old.app, people.person("merchant_owner", merchant_id=old.cast.merchant.id))
    trader = people.seat(old.app, people.person("trader", trader_id=f.assignments_of(desk)[0].trader_id))
    page = staff.get("/admin/history").get_data(as_text=True)
    assert "1 month is due for the archive." in page
    assert f"bin/flask history archive {old.said} FOLDER" in page
    doctor = old.run("doctor").output
    assert f"old months: 1 are due for the archive, the oldest is {old.said}" in doctor
    assert f"bin/flask history archive {old.said} FOLDER" in doctor
    pages = [(staff, f"/admin/orders/{desk.public_id}"), (merchant, f"/merchant/orders/{desk.public_id}"),
             (trader, f"/trader/orders/{desk.public_id}")]
    for seat, path in pages:
        assert "are archived" not in seat.get(path).get_data(as_text=True)
    assert old.history("archive").exit_code == 0
    assert "Archived, not yet detached" in staff.get("/admin/history").get_data(as_text=True)
    assert old.history("detach", "--yes").exit_code == 0

    said = f"Steps and webhooks of March {old.month.year} are archived."
    for seat, path in pages:
        answer = seat.get(path)
        assert (answer.status_code, said in answer.get_data(as_text=True)) == (200, True), path
    assert f"history attach {old.said}" in staff.get(pages[0][1]).get_data(as_text=True)
    for sought in (desk.public_id, desk.external_id):
        assert desk.public_id in staff.get(f"/admin/search?q={sought}", follow_redirects=True).get_data(as_text=True)
        for seat, area in ((staff, "admin"), (merchant, "merchant")):
            assert desk.public_id in seat.get(f"/{area}/orders?q={sought}",
                                              follow_redirects=True).get_data(as_text=True)
    page = staff.get("/admin/history").get_data(as_text=True)
    assert "No month is due." in page
    assert f"bin/flask history attach {old.said} FOLDER" in page
    assert "old months: none is due: the last 24 stay" in old.run("doctor").output
    assert old.run("orders", "show", desk.public_id).exit_code == 0
    assert old.history("attach").exit_code == 0
    assert said not in staff.get(pages[0][1]).get_data(as_text=True)
    for seat in (merchant, trader):
        assert seat.get("/admin/history").status_code == 403


def test_killed_in_the_middle_it_is_given_again(old: Old, fresh_app) -> None:
    """While it waits for its lock, all but done: the month is whole, and nobody is locked out."""
    assert old.history("archive").exit_code == 0
    (old.folder / f"{partition('order_events', old.month)}.copy.making").write_bytes(b"of one that was killed before")
    words = ["-m", "flask", "history", "detach", old.said, str(old.folder), "--yes", "--table", "order_events"]
    with psycopg.connect(old.owner_url, autocommit=True) as looking, psycopg.connect(old.owner_url) as reading:
        reading.execute("SELECT count(*) FROM order_events")
        killed = subprocess.Popen([sys.executable, *words], cwd=ROOT, env={**os.environ, "FLASK_APP": "wsgi.py"})
        wait_for(lambda: looking.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' AND relation ="
            " to_regclass('order_events')").fetchone()[0], "it waits for the table")
        killed.kill()
        killed.wait()
        assert old.rows("order_events")
    wait_for(lambda: old.history("detach", "--yes").exit_code == 0, "its lock is gone with it")
    assert not old.rows("order_events")
    assert old.history("archive").exit_code == 1, "nothing is left to archive"


def stray(old: Old, month: str) -> None:
    """A step and done work with the date of a month that is not there."""
    at = f"timestamptz '{month}-17 12:00+00'"
    new = "'transaction_id', pg_current_xact_id()::text::bigint, 'id', uuidv7()"
    old.owned(f"""INSERT INTO order_events
                  SELECT (jsonb_populate_record(e, jsonb_build_object('created_at', {at}, {new}))).*
                  FROM order_events e WHERE type = 'payin.completed' LIMIT 1""",
              f"""INSERT INTO jobs_done
                  SELECT (jsonb_populate_record(j, jsonb_build_object(
                      'done_at', {at}, 'id', (SELECT max(id) + 1 FROM jobs_done)))).* FROM jobs_done j LIMIT 1""")


def in_default(old: Old, table: str) -> int:
    with psycopg.connect(old.owner_url) as owner:
        row = owner.execute(f"SELECT count(*) FROM ONLY {table}_p2default").fetchone()
    assert row
    return int(row[0])


def test_rows_without_a_month_are_gathered_into_it(old: Old) -> None:
    month = f"{old.month.year - 1}-03"
    stray(old, month)
    with psycopg.connect(old.owner_url) as owner, pytest.raises(psycopg.errors.RestrictViolation):
        owner.execute("DELETE FROM order_events_p2default")
    with psycopg.connect(old.owner_url) as owner:
        before = owner.execute("SELECT * FROM order_events ORDER BY id, created_at").fetchall()
    done = old.run("history", "gather")
    assert done.exit_code == 0, done.output
    for table in ("order_events", "jobs_done"):
        assert f"gathered {table}_p{month.replace('-', '')}: 1 rows" in done.output
    assert [in_default(old, table) for table in ("order_events", "jobs_done")] == [0, 0]
    with psycopg.connect(old.owner_url) as owner:
        assert owner.execute("SELECT * FROM order_events ORDER BY id, created_at").fetchall() == before
    assert old.run("history", "gather").output == "no row lies outside its month\n"
    stray(old, f"{old.month.year - 2}-03")
    assert in_default(old, "order_events") == 1, "what has no month is still taken"
    for place in ("order_events_p2default", f"order_events_p{month.replace('-', '')}"):
        with psycopg.connect(old.owner_url) as owner, pytest.raises(psycopg.errors.RestrictViolation):
            owner.execute(f"DELETE FROM {place}")
    assert old.run("history", "gather").exit_code == 0
    all_sealed()
    assert old.run("audit", "verify").exit_code == 0


@pytest.mark.slow
def test_gathering_waits_for_who_writes_and_takes_what_was_written(old: Old) -> None:
    """One writer has not committed yet, others come all the time: nobody is refused, and no row is left or lost."""
    month = f"{old.month.year - 1}-03"
    done = f"""INSERT INTO jobs_done SELECT (jsonb_populate_record(j, jsonb_build_object(
        'done_at', timestamptz '{month}-17 12:00+00', 'id', %s::bigint))).* FROM jobs_done j LIMIT 1"""
    over, written = threading.Event(), [10**9]

    def write() -> None:
        with psycopg.connect(old.owner_url, autocommit=True) as writer:
            while not over.is_set():
                writer.execute("SET lock_timeout = '2s'")  # as the application has it
                writer.execute(done, [written[-1] + 1])
                written.append(written[-1] + 1)

    with psycopg.connect(old.owner_url, autocommit=True) as looking, psycopg.connect(old.owner_url) as slow:
        slow.execute(done, [10**9])
        writer = threading.Thread(target=write)
        writer.start()
        try:
            wait_for(lambda: len(written) > 5, "others write")
            with subprocess.Popen([sys.executable, "-m", "flask", "history", "gather"], cwd=ROOT, text=True,
                                  env={**os.environ, "FLASK_APP": "wsgi.py"}, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT) as gathering:
                wait_for(lambda: looking.execute(
                    "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' AND relation ="
                    " to_regclass('jobs_done')").fetchone()[0], "it waits for who has not committed")
                before = len(written)
                wait_for(lambda: len(written) > before + 5, "who writes meanwhile does not wait for that one")
                slow.commit()
                said, _ = gathering.communicate(timeout=60)
            assert gathering.returncode == 0, said
            after = len(written)
            wait_for(lambda: len(written) > after + 5, "they go on")
        finally:
            over.set()
            writer.join()
        assert f"gathered jobs_done_p{month.replace('-', '')}: " in said
        assert in_default(old, "jobs_done") == 0
        there = looking.execute(f"SELECT id FROM jobs_done_p{month.replace('-', '')} ORDER BY 1").fetchall()
    assert [id for id, in there] == written, "each once"


def test_a_month_that_comes_back_takes_in_what_came_meanwhile(old: Old) -> None:
    assert old.history("archive").exit_code == 0
    before = len(old.rows("jobs_done"))
    stray(old, f"{old.month.year - 1}-03")
    assert old.history("detach", "--yes", "--table", "jobs_done").exit_code == 0
    stray_month = f"""INSERT INTO jobs_done SELECT (jsonb_populate_record(j, jsonb_build_object('done_at',
        timestamptz '{old.said}-17 12:00+00', 'id', (SELECT max(id) + 1 FROM jobs_done)))).* FROM jobs_done j LIMIT 1"""
    old.owned(stray_month)
    assert old.run("history", "gather").output.count(f"jobs_done_p{old.month:%Y%m}") == 0, "it is away"
    done = old.history("attach", "--table", "jobs_done")
    assert done.exit_code == 0, done.output
    assert len(old.rows("jobs_done")) == before + 1
    refused = old.history("detach", "--yes", "--table", "jobs_done")
    assert "rows are not those of the file" in refused.output
    assert old.history("archive", "--table", "jobs_done").exit_code == 0
    assert old.history("detach", "--yes", "--table", "jobs_done").exit_code == 0
