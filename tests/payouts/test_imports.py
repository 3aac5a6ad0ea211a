"""Payouts from a file: every row is judged before anything is sent, then made by a job, each once."""
import csv
import io
import time
from datetime import timedelta

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select

from portal.core import clock, jobs
from portal.core.audit import AuditRow
from portal.core.ids import parse
from portal.ledger import proofs
from portal.ledger.verify import Report, Result
from portal.orders.models import Order
from portal.payouts.models import PayoutImportRow
from portal.reference import pausing
from tests import factories as f
from tests import people
from tests.payouts.conftest import HEAD, csv_of, make_all, prefund, row, sent, take_in
from tests.statements import heard

TOTAL = f.usdt("16.711957")  # of 1500.00: 16.304348 and 2.5 % of it


def rows_of(path):
    with f.look() as session:
        return session.scalars(select(PayoutImportRow).where(
            PayoutImportRow.import_id == parse("pim", path.rpartition("/")[2])).order_by(PayoutImportRow.number)).all()


def orders_of(cast):
    with f.look() as session:
        return session.scalars(select(Order).where(Order.store_id == cast.store.id)).all()


def test_from_the_file_to_the_recipients(cast, owner):
    path = take_in(owner, cast, csv_of([row(cast, external_id="a-1"), row(cast, external_id="a-2", amount="2000")]))
    page = owner.get(path).text
    assert "Send 2 payouts" in page
    assert "38.994565" in page.replace("\xa0", ""), "what all of it costs"
    assert f.store_held(cast.store) == f.usdt("0.000000"), "nothing is held before it is sent"
    assert owner.send(f"{path}/sending").status_code == 303
    make_all()
    page = owner.get(path).text
    assert "2 payouts are made" in page
    assert {order.external_id for order in orders_of(cast)} == {"a-1", "a-2"}
    assert f.store_held(cast.store) == TOTAL + f.usdt("22.282608")
    assert all(one.order_id and one.cells_sealed is None for one in rows_of(path)), "numbers are kept with the payouts"
    f.work_off()
    assert {f.fresh(order).status for order in orders_of(cast)} == {"assigned"}


def test_every_rows_errors_are_shown_and_the_right_ones_go(cast, owner):
    number = "2200150000000008"
    path = take_in(owner, cast, csv_of([
        row(cast), row(cast, number=number, external_id="wrong-number"), row(cast, amount="a lot", method=""),
        row(cast, currency="XXX"), row(cast, amount="1"), row(cast, method="nothing"), row(cast, external_id="")]))
    page = owner.get(path).text
    for sentence in ("check digit", "Write the amount in digits", "Field required", "does not know this currency",
                     "The store takes 50.00 to", "does not know this method", "6 rows are wrong"):
        assert sentence in page, sentence
    assert number not in page
    assert [one.state for one in rows_of(path)] == ["right", *["wrong"] * 6]
    assert "Send 1 payout" in page
    assert owner.send(f"{path}/sending").status_code == 303
    make_all()
    assert len(orders_of(cast)) == 1


def test_bad_rows_come_back_as_they_were_typed_and_can_be_mended(cast, owner, second):
    number = "2200150000000008"
    path = take_in(owner, cast, csv_of([row(cast), row(cast, number=number, recipient="=cmd|'x'!A1")]))
    assert owner.get(f"{path}/bad-rows.csv").status_code == 428, "full numbers: a stolen session alone has none"
    answer = owner.take(f"{path}/bad-rows.csv")
    text = answer.get_data().decode("utf-8-sig")
    [found] = csv.DictReader(io.StringIO(text))
    assert found["number"] == number
    assert "check digit" in found["what to mend"]
    assert found["recipient"].startswith("'="), "no formula leaves the desk"
    again = take_in(owner, cast, text.replace(number, "2200150000000007").encode())
    assert "Send 1 payout" in owner.get(again).text
    assert second.take(f"{path}/bad-rows.csv").status_code == 403, "who typed the numbers, and nobody else"
    with f.look() as session:
        assert session.scalar(select(func.count()).select_from(AuditRow).where(
            AuditRow.action == "payout_import.rows_taken", AuditRow.target_id == str(parse("pim", path[-30:])))) == 1


def test_the_same_file_twice_does_not_pay_twice(cast, owner):
    content = csv_of([row(cast, external_id="twice-1"), row(cast, external_id="twice-2")])
    first, second = take_in(owner, cast, content), take_in(owner, cast, content)
    assert "This file was here already" in owner.get(second).text
    for path in (first, second):
        assert owner.send(f"{path}/sending").status_code == 303
    make_all()
    assert len(orders_of(cast)) == 2
    assert {one.state for one in rows_of(second)} == {"failed"}
    assert "Another order of this store has this external id." in owner.get(second).text
    third = take_in(owner, cast, content)
    assert "was asked for already: pout_" in owner.get(third).text
    assert f"{third}/sending" not in owner.get(third).text
    assert owner.send(f"{third}/sending").status_code == 409


def test_what_is_under_way_in_another_file_is_seen_at_the_check(cast, owner):
    content = csv_of([row(cast, external_id="coming")])
    first = take_in(owner, cast, content)
    owner.send(f"{first}/sending")
    assert "waits in another file" in owner.get(take_in(owner, cast, content)).text


def test_more_than_there_is_is_not_sent_and_says_what_is_missing(cast, owner):
    path = take_in(owner, cast, csv_of([row(cast, amount="60 000") for _ in range(2)]))
    page = owner.get(path).text
    assert "336.956" in page, "what is missing"
    answer = owner.send(f"{path}/sending")
    assert answer.status_code == 409
    assert "are missing" in answer.text
    make_all()
    assert not orders_of(cast)


def test_what_is_spent_meanwhile_fails_row_by_row(cast, owner):
    poor = f.new_cast()
    prefund(poor, "34.000000")
    seat = people.seat(owner.application, people.person("merchant_owner", merchant_id=poor.merchant.id))
    path = take_in(seat, poor, csv_of([row(poor), row(poor), row(poor, amount="60")]))
    assert seat.send(f"{path}/sending").status_code in (303, 409)
    rest = take_in(seat, poor, csv_of([row(poor), row(poor, amount="60")]))
    assert seat.send(f"{rest}/sending").status_code == 303
    f.create_payout(poor, "1500.00")
    make_all()
    assert [one.state for one in rows_of(rest)] == ["made", "failed"] or [
        one.state for one in rows_of(rest)] == ["failed", "made"]
    assert "does not cover" in seat.get(rest).text


def test_what_stops_them_in_the_middle_leaves_none_behind(fresh_app):
    """The balance covers one of two, so they are made one by one; after the first the books are found to differ."""
    poor = f.new_cast()
    prefund(poor, "40.000000")
    seat = people.seat(fresh_app, people.person("merchant_owner", merchant_id=poor.merchant.id))
    path = take_in(seat, poor, csv_of([row(poor), row(poor)]))
    assert seat.send(f"{path}/sending").status_code == 303
    f.create_payout(poor, "1500.00")
    began = []

    def differ():
        with f.act() as session:
            proofs.keep(session, Report([Result("planted", 1, ["order x: differs"])]), began_at=clock.now(),
                        ended_at=clock.now(), by="test")

    def stop(statement, parameters):
        if statement.startswith("RELEASE SAVEPOINT") and not began:
            began.append(statement)
            assert f.at_the_same_time(fresh_app, [differ]) == [None]

    with heard(stop):
        make_all()
    assert began, "one was made before"
    assert [one.state for one in rows_of(path)] == ["right", "right"]
    assert len(orders_of(poor)) == 1, "the one that was there: none that the file knows nothing of"
    assert f.store_held(poor.store) == TOTAL
    assert "is checking its books" in seat.get(path).text


def test_a_paused_desk_lets_them_wait_and_makes_them_afterwards(cast, owner):
    path = take_in(owner, cast, csv_of([row(cast)]))
    owner.send(f"{path}/sending")
    with f.act() as session:
        pausing.pause(session, f.staff("admin"), pausing.PauseDesk(for_minutes=30, reason="Upgrade"))
    f.forget()
    make_all()
    assert [one.state for one in rows_of(path)] == ["right"]
    assert "It goes on by itself." in owner.get(path).text
    with f.act() as session:
        pausing.resume(session, f.staff("admin"), pausing.ResumeDesk())
    f.forget()
    with clock.moved(timedelta(seconds=20)):
        make_all()
    assert [one.state for one in rows_of(path)] == ["made"]
    assert "It goes on by itself." not in owner.get(path).text


def test_withdrawn_in_the_middle_makes_no_more(cast, owner):
    path = take_in(owner, cast, csv_of([row(cast)]))
    owner.send(f"{path}/sending")
    assert owner.send(f"{path}/withdrawal").status_code == 303
    make_all()
    assert not orders_of(cast)
    assert "was taken back" in owner.get(path).text


def test_five_thousand_rows_are_checked_in_five_seconds_and_made(cast, owner):
    prefund(cast, "250000.000000")
    content = csv_of([row(cast, amount=f"{1000 + number}") for number in range(5000)])
    began = time.monotonic()
    path = take_in(owner, cast, content)
    took = time.monotonic() - began
    print(f"5,000 rows checked in {took:.2f} s")  # noqa: T201
    assert took < 5
    assert "Send 5000 payouts" in owner.get(path).text.replace("\u202f", "").replace("5,000", "5000")
    assert sent(owner, cast, content + b"\n" + ";".join(row(cast)).encode()).status_code == 422, "5,001 are too many"


def test_a_workbook_is_read_like_csv(cast, owner):
    book = Workbook()
    sheet = book.active
    sheet.append([*HEAD])
    sheet.append(["x-1", 1500, "RUB", cast.method, "2200 1500 0000 0007", "Anna Petrova"])
    sheet.append([None] * 6)
    sheet.append(["x-2", 1500.5, "rub", cast.method, row(cast)[4], "=1+1"])
    out = io.BytesIO()
    book.save(out)
    path = take_in(owner, cast, out.getvalue(), "salaries.xlsx")
    found = rows_of(path)
    assert [(one.number, one.state, one.amount_minor) for one in found] == [(2, "right", 150000), (4, "right", 150050)]
    owner.send(f"{path}/sending")
    make_all()
    assert {order.external_id for order in orders_of(cast)} == {"x-1", "x-2"}


def test_the_template_is_read_back_in_both_languages(cast, owner):
    for lang in ("en", "ru"):
        content = owner.get(f"/merchant/payouts/imports/template.csv?lang={lang}").get_data()
        assert sent(owner, cast, content).status_code == 303


def test_another_merchants_file_does_not_exist_and_a_viewer_sends_none(app, cast, owner):
    path = take_in(owner, cast, csv_of([row(cast)]))
    stranger = people.seat(app, people.person("merchant_owner"))
    for address in (path, f"{path}/bad-rows.csv"):
        assert stranger.take(address).status_code == 404
    for act in ("sending", "release", "refusal", "withdrawal"):
        assert stranger.send(f"{path}/{act}", {"reason": "x"}).status_code == 404
    viewer = people.seat(app, people.person("merchant_viewer", merchant_id=cast.merchant.id))
    assert viewer.get(path).status_code == 403
    assert viewer.send(f"{path}/sending").status_code == 403
    assert sent(stranger, cast, csv_of([row(cast)])).status_code == 404


@pytest.mark.parametrize("content", [b"", b"external id\n", b"\xff\xfe", b"PK\x03\x04nothing",
                                     b"amount,nonsense\n1,2\n"])
def test_what_is_no_such_file_is_refused(cast, owner, content):
    assert sent(owner, cast, content).status_code == 422


def test_old_files_keep_no_numbers(cast, owner):
    path = take_in(owner, cast, csv_of([row(cast), row(cast, amount="1")]))
    with clock.moved(timedelta(days=15)):
        with f.act() as session:
            jobs.enqueue(session, "forget_payout_files", key=path)
        f.work_off("forget_payout_files")
    assert {one.cells_sealed for one in rows_of(path)} == {None}
    assert "Nobody let it go" in owner.get(path).text
