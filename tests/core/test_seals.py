"""The audit is sealed as it grows; whatever was changed, removed or put in later is named, whoever did it."""
import json
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

import psycopg
import pytest
from flask import Flask
from psycopg import errors
from sqlalchemy.orm import Session

from portal.core import audit, clock, seal_check, seals
from portal.core.access import SYSTEM
from portal.core.audit import AuditRow
from portal.core.db import db, reader, transaction
from portal.core.row_sketch import RowSketch
from portal.core.seal_check import Kept
from portal.core.seals import AuditSeal
from portal.ledger import findings, proofs
from portal.orders.models import OrderEvent
from tests import factories as f
from tests.waiting import until

OWNER = Callable[[str], int]


@pytest.fixture
def owner(fresh_app: Flask, fresh_database: str, url_of) -> OWNER:
    """Who owns the database: the triggers are no hindrance."""
    def do(*statements: str) -> int:
        with psycopg.connect(url_of(fresh_database, "owner")) as connection:
            for table in ("audit_rows", "order_events", "audit_seals"):
                connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            count = sum(connection.execute(statement).rowcount for statement in statements)
            for table in ("audit_rows", "order_events", "audit_seals"):
                connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            assert count > 0
            return count
    return do


@pytest.fixture
def trail(fresh_app: Flask) -> int:
    """A payin's steps and some acts with awkward words, in a few seals; how many rows."""
    cast = f.new_cast()
    cast.requisite(cast.trader())
    for amount in ("1000.00", "1001.00"):
        f.completed_payin(cast, amount)
        note('a "quoted" \\backslash\\\t tab\nline, ё, 🙂')
        all_sealed()
    return rows()


def note(reason: str) -> None:
    with transaction() as session:
        audit.record(session, SYSTEM, "desk.paused", "desk", 1, reason=reason, before={"b": [1, 2.50], "a": "\\t"})


def sealed() -> int:
    with transaction() as session:
        return seals.seal(session)


def all_sealed() -> None:
    """A transaction of another test on this server may still be under way: the seal waits for that one too."""
    def nothing_waits() -> bool:
        sealed()
        with f.look() as session:
            return seals.state(session).waiting_since is None

    assert until(nothing_waits, within_s=30)


def rows() -> int:
    with f.look() as session:
        return session.query(AuditRow).count() + session.query(OrderEvent).count()


def checked(**against: object) -> seal_check.Checked:
    with Session(db.engine) as session:
        return seal_check.check(session, **against)


def test_everything_is_sealed_once_in_a_chain(trail: int):
    found = checked()
    assert (found.rows, list(found.wrong)) == (trail, [])
    assert sealed() == 0, "nothing new, no seal"
    with f.look() as session:
        chain = session.query(AuditSeal).order_by(AuditSeal.number).all()
    assert [one.number for one in chain] == list(range(1, len(chain) + 1))
    assert len(chain) >= 2
    assert [one.previous for one in chain[1:]] == [one.hash for one in chain[:-1]]


def test_what_is_under_way_is_not_sealed_before_it_is_over(trail: int, fresh_database, url_of):
    """Its row may still appear among those of a range: the seal waits for it, and others wait with it."""
    with psycopg.connect(url_of(fresh_database, "app")) as slow:
        slow.execute("INSERT INTO audit_rows (created_at, actor_kind, actor_name, action, target_kind, target_id)"
                     " VALUES (now(), 'system', 'slow', 'desk.paused', 'desk', '1')")
        note("later, and first to commit")
        assert sealed() == 0
        with f.look() as session:
            assert seals.state(session).waiting_since is not None
        slow.commit()
    all_sealed()
    assert (checked().rows, list(checked().wrong)) == (trail + 2, [])


def test_a_seal_holds_a_bounded_number_of_rows_and_whole_transactions(fresh_app: Flask, monkeypatch):
    all_sealed()
    monkeypatch.setattr(seals, "ROWS_MAX", 3)
    for _ in range(2):
        with transaction() as session:
            for number in range(5):  # one transaction with more than a seal's rows
                audit.record(session, SYSTEM, "desk.paused", "desk", number)
    for _ in range(4):
        note("alone")
    all_sealed()
    with f.look() as session:
        counts = [one.rows for one in session.query(AuditSeal).order_by(AuditSeal.number)][-4:]
    assert sum(counts[-4:]) == 14
    assert counts[:2] == [5, 5]
    assert not checked().wrong


@pytest.mark.parametrize(("statement", "said"), [
    ("UPDATE audit_rows SET reason = 'never' WHERE id = (SELECT max(id) FROM audit_rows)", "audit_rows", ),
    ("UPDATE audit_rows SET before = NULL WHERE id = (SELECT max(id) FROM audit_rows)", "audit_rows"),
    ("UPDATE audit_rows SET created_at = created_at + interval '1 microsecond'"
     " WHERE id = (SELECT max(id) FROM audit_rows)", "audit_rows"),
    ("UPDATE order_events SET actor_name = 'mallory' WHERE type = 'payin.confirmed'", "order_events"),
    ("UPDATE order_events SET transaction_id = transaction_id + 1 WHERE type = 'payin.confirmed'", "order_events"),
    ("DELETE FROM audit_rows WHERE id = (SELECT max(id) FROM audit_rows)", "audit_rows"),
    ("DELETE FROM order_events WHERE type = 'payin.confirmed'", "order_events"),
    ("INSERT INTO audit_rows (created_at, transaction_id, actor_kind, actor_name, action, target_kind, target_id)"
     " SELECT created_at, transaction_id, actor_kind, actor_name, action, target_kind, target_id FROM audit_rows"
     " ORDER BY id DESC LIMIT 1", "audit_rows"),
])
def test_each_change_of_a_row_is_named(trail: int, owner: OWNER, statement: str, said: str):
    count = owner(statement)
    wrong = checked().wrong
    assert len(wrong) == count
    assert all(sentence.startswith(f"{said} ") for sentence in wrong)


@pytest.mark.parametrize(("statement", "said"), [
    ("DELETE FROM audit_seals WHERE number = 1", "seal 1: is not there"),
    ("UPDATE audit_seals SET sealed_at = sealed_at - interval '1 day' WHERE number = 1", "seal 1: says something else"),
    ("UPDATE audit_seals SET root = sha256('x') WHERE number = 1", "seal 1: its root"),
    ("UPDATE audit_seals SET entries = overlay(entries placing '\\x00'::bytea from 30 for 1) WHERE number = 1",
     "seal 1: its root"),
    ("UPDATE audit_seals SET previous = sha256('x') WHERE number = 2", "seal 2: does not follow"),
    ("UPDATE audit_seals SET from_transaction = from_transaction + 1 WHERE number = 2", "seal 2: does not follow"),
])
def test_each_change_of_a_seal_is_named(trail: int, owner: OWNER, statement: str, said: str):
    owner(statement)
    assert any(sentence.startswith(said) for sentence in checked().wrong)


def test_a_chain_made_anew_is_not_the_one_kept_elsewhere(trail: int, owner: OWNER, fresh_app: Flask, tmp_path):
    """The owner changes a row and has every seal made again: within the database all is in order."""
    run = fresh_app.test_cli_runner().invoke
    kept = tmp_path / "seal.json"
    kept.write_text(run(args=["audit", "seal", "export"]).output)
    assert json.loads(kept.read_text())["number"] >= 2
    note("after the export")
    all_sealed()
    assert run(args=["audit", "verify", "--against", str(kept)]).exit_code == 0
    owner("UPDATE order_events SET actor_name = 'mallory' WHERE type = 'payin.confirmed'", "DELETE FROM audit_seals")
    all_sealed()
    assert run(args=["audit", "verify"]).exit_code == 0
    said = run(args=["audit", "verify", "--against", str(kept)])
    assert said.exit_code == 1
    assert "kept elsewhere" in said.output


@pytest.mark.parametrize(("statement", "said"), [
    ("UPDATE order_events SET actor_name = 'mallory' WHERE id = {event}", "order_events {event}: was changed"),
    ("DELETE FROM order_events WHERE id = {event}", "order_events {event}: is not there any more"),
    ("UPDATE audit_rows SET reason = 'never' WHERE id = {row}", "audit_rows {row}: was changed"),
    ("DELETE FROM audit_rows WHERE id = {row}", "audit_rows {row}: is not there any more"),
    ("INSERT INTO audit_rows (id, created_at, transaction_id, actor_kind, actor_name, action, target_kind, target_id)"
     " OVERRIDING SYSTEM VALUE SELECT 999999999, created_at, transaction_id, actor_kind, actor_name, action,"
     " target_kind, target_id FROM audit_rows WHERE id = {row}", "audit_rows 999999999: was put in"),
])
@pytest.mark.parametrize("sealed_anew", [True, False])
def test_by_the_last_seal_kept_elsewhere_a_row_is_named_though_all_hashes_were_made_anew(
        trail: int, owner: OWNER, statement: str, said: str, sealed_anew: bool) -> None:
    """The owner of the database leaves nothing within it that tells of him; one kept seal names the very row."""
    with f.look() as session:
        seal = seals.last(session)
        kept = Kept.of(json.loads(json.dumps(seals.exported(session, seal))))
        at = {"event": f"{session.query(OrderEvent.id).filter_by(type='payin.confirmed').first()[0]}",
              "row": session.query(AuditRow.id).order_by(AuditRow.id).first()[0]}
    quoted = at | {"event": f"'{at['event']}'"}
    owner(statement.format(**quoted), "DELETE FROM audit_seals")
    if sealed_anew:
        note("after it")
        all_sealed()
    assert not checked().wrong, "within the database all is in order"
    wrong = checked(against=kept).wrong
    assert f"{said.format(**at)} after the seal that was kept elsewhere" in wrong
    rest = [sentence for sentence in wrong if "kept elsewhere" in sentence and not sentence.startswith("seal ")]
    assert len(rest) == 1, "no other row is"


def test_more_than_a_kept_seal_can_name_is_said(trail: int, owner: OWNER) -> None:
    with transaction() as session:
        for number in range(600):
            audit.record(session, SYSTEM, "desk.paused", "desk", number)
    all_sealed()
    with f.look() as session:
        kept = Kept.of(seals.exported(session, seals.last(session)))
    owner("UPDATE audit_rows SET role = 'x'", "DELETE FROM audit_seals")
    all_sealed()
    assert any(sentence.startswith("rows: more differ") for sentence in checked(against=kept).wrong)


def test_two_hundred_differences_come_out_of_a_sketch_each_by_name() -> None:
    def entry(number: int) -> bytes:
        return bytes([1]) + number.to_bytes(16) + sha256(str(number).encode()).digest()

    old, new = (RowSketch(map(entry, numbers)) for numbers in (range(5_000), range(100, 5_100)))
    differs = RowSketch.of(new.text()).less(RowSketch.of(old.text()))
    assert sorted(differs.taken_apart()) == sorted(
        [(entry(number), -1) for number in range(100)] + [(entry(number), 1) for number in range(5_000, 5_100)])
    assert not differs.rest
    for text in ("", "AAAA", new.text()[:-4], new.text() + "AAAA"):
        with pytest.raises(ValueError):
            RowSketch.of(text)


def test_what_is_wrong_stands_as_a_finding_until_it_is_mended(trail: int, owner: OWNER, fresh_app: Flask):
    run = fresh_app.test_cli_runner().invoke
    owner("UPDATE audit_rows SET role = 'x' WHERE id = (SELECT max(id) FROM audit_rows)")
    said = run(args=["audit", "verify"])
    assert said.exit_code == 1
    assert "was changed after it was sealed" in said.output
    with f.look() as session:
        (finding,) = findings.standing(session)
        assert finding.check_name == proofs.AUDIT
    from tasks import upkeep

    reader().rollback()
    owner("UPDATE audit_rows SET role = NULL WHERE id = (SELECT max(id) FROM audit_rows)")
    with transaction() as session:
        upkeep.prove_audit(session, [])
    with f.look() as session:
        assert not findings.standing(session)
        assert [proof.scope for proof in proofs.newest(session)] == ["audit", "audit"]


def test_who_waits_too_long_for_a_seal_alerts(trail: int, caplog):
    from tasks import upkeep

    def alarms() -> int:
        with transaction() as session:
            upkeep.watch_seals(session, [])
        return sum("audit_seals_late" in record.getMessage() for record in caplog.records)

    note("sealed late")
    assert alarms() == 0
    with clock.moved(timedelta(minutes=2)):
        assert alarms() == 1
        all_sealed()
        assert alarms() == 1


def test_two_sealers_at_once_make_one_chain(trail: int, fresh_app: Flask):
    note("one")
    f.at_the_same_time(fresh_app, [sealed] * 6)
    all_sealed()
    assert not checked().wrong
    assert checked().rows == rows()


def test_the_list_of_columns_is_that_of_the_tables():
    """A column that is in no seal could be changed unseen."""
    columns = {each.table: set(each.columns) for each in seals.SEALED}
    assert columns == {model.__tablename__: {column.name for column in model.__table__.columns}
                       for model in (AuditRow, OrderEvent)}


@pytest.mark.parametrize("table", ["audit_rows", "order_events", "audit_seals"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_database_refuses_each_change(trail: int, fresh_database, url_of, table: str, change: str):
    """Fault 15: the application's role, and a careless owner too."""
    column = "number" if table == "audit_seals" else "created_at"
    for role, refusal in (("app", errors.InsufficientPrivilege), ("owner", errors.RestrictViolation)):
        with psycopg.connect(url_of(fresh_database, role)) as connection, pytest.raises(refusal):
            connection.execute(change.format(table, column, column))
