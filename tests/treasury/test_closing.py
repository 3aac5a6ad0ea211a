"""The daily close: a day's trial balance adds up, is signed once and stays; what comes later stands in a later day."""
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from portal.approvals import Approval
from portal.core import clock, jobs
from portal.core.db import reader, transaction
from portal.core.errors import Denied, Invalid, NotFound
from portal.ledger import proofs, verify
from portal.treasury import closing
from tests import factories as f
from tests import people
from tests.treasury import books


def to(day: date, hour: int = 12) -> timedelta:
    return clock.midnight_before(day) + timedelta(hours=hour) - clock.now()


def prove() -> None:
    """As the page asks for it and the worker does it."""
    with f.act() as session:
        jobs.enqueue(session, proofs.WHOLE, key="asked")
    assert f.work_off(proofs.WHOLE) == 1


@pytest.fixture
def days(unproved: tuple[f.Cast, date]) -> tuple[f.Cast, date]:
    """And the books were proved since."""
    prove()
    return unproved


@pytest.fixture
def unproved(fresh_app: Flask) -> tuple[f.Cast, date]:
    """Two days with something on each; the first of them is returned."""
    today = clock.today()
    with clock.moved(to(today - timedelta(days=2))):
        cast = f.new_cast(fee_bps=250)
        cast.requisite(cast.trader(reward_bps=120))
        f.completed_payin(cast, "1500.00")
    with clock.moved(to(today - timedelta(days=1))):
        f.completed_payin(cast, "3000.00")
        f.paid_payin(cast, "700.00")
    return cast, today - timedelta(days=2)


def look(day: date) -> closing.Day:
    with f.look() as session:
        return closing.one(session, f.staff("admin"), day, "USDT")


def close(day: date, note: str | None = None, by: str = "admin") -> None:
    with f.act() as session:
        closing.close(session, f.staff(by), closing.CloseDay(day=day, currency="USDT", note=note))


def test_a_day_adds_up_and_the_next_goes_on_from_it(days: tuple[f.Cast, date]) -> None:
    cast, first = days
    found = look(first)
    assert found.sum.minor == 0
    assert found.debits == found.credits
    rows = {row.sort: row for row in found.rows}
    assert rows["store available"].opening.minor == 0
    assert rows["store available"].closing.minor > 0
    close(first)
    signed = look(first)
    assert signed.signed is not None
    assert [row.closing for row in signed.rows] == [row.closing for row in found.rows]
    second = look(first + timedelta(days=1))
    after = {row.sort: row for row in second.rows}
    for sort, row in rows.items():
        assert after[sort].opening == row.closing
    assert after["trader held"].closing.minor > 0
    assert [(held.sort, held.count) for held in second.holds] == [("payin", 1)]
    assert after["store available"].closing == f.store_available(cast.store)


def test_a_day_is_not_signed_before_its_books_were_proved(unproved: tuple[f.Cast, date]) -> None:
    _, first = unproved
    with pytest.raises(closing.NotProved):
        close(first)
    with clock.moved(to(first, hour=23)):
        prove()
    with pytest.raises(closing.NotProved):
        close(first, "A note does not stand in for it")
    prove()
    close(first)
    assert look(first).signed.proved_at >= clock.midnight_after(first)


def test_its_page_has_the_books_proved(unproved: tuple[f.Cast, date], fresh_app: Flask) -> None:
    _, first = unproved
    admin = people.seat(fresh_app, people.person("admin"))
    page = f"/admin/closing/{first}/USDT"
    refused = admin.send(f"{page}/signature", {})
    assert refused.status_code == 409
    assert "not been proved since this day ended" in refused.text
    assert 'action="/admin/proof/run"' in refused.text
    assert admin.send("/admin/proof/run", {}).status_code == 303
    f.work_off(proofs.WHOLE)
    assert "Have the books proved" not in admin.get(page).text
    assert admin.send(f"{page}/signature", {}).status_code == 303


def test_days_are_closed_one_after_the_other_and_once(days: tuple[f.Cast, date]) -> None:
    _, first = days
    close(first)
    with pytest.raises(closing.DayClosed):
        close(first)
    with pytest.raises(closing.DayNotOver):
        close(clock.today())
    with f.look() as session:
        assert closing.due(session) == {"USDT": first + timedelta(days=1)}
    close(first + timedelta(days=1))
    with f.look() as session:
        assert closing.due(session) == {}


def test_a_gap_is_not_closed_over(days: tuple[f.Cast, date]) -> None:
    _, first = days
    close(first - timedelta(days=1))
    with pytest.raises(closing.EarlierDayOpen):
        close(first + timedelta(days=1))


def test_two_sign_and_one_has(days: tuple[f.Cast, date], fresh_app: Flask) -> None:
    _, first = days
    outcomes = f.at_the_same_time(fresh_app, [lambda: close(first)] * 6)
    assert sum(outcome is None for outcome in outcomes) == 1
    assert all(outcome is None or isinstance(outcome, closing.DayClosed) for outcome in outcomes)


def test_a_correction_after_the_close_stands_in_its_own_day(days: tuple[f.Cast, date]) -> None:
    from portal import approvals
    from portal.orders import corrections
    from portal.orders.models import Order

    _, first = days
    close(first)
    before = look(first)
    with f.look() as session:
        order = session.query(Order).filter_by(status="completed").order_by(Order.id).first()
    with f.act() as session:
        asked = corrections.ask(session, f.staff("admin"), corrections.AskCorrection(
            order_id=order.public_id, amount="1400.00", reason="statement"))
    with f.act() as session:
        approvals.decide(session, f.staff("super_admin"), approvals.DecideApproval(
            approval_id=asked.public_id, decision="approve"))
    assert look(first).rows == before.rows
    with f.look() as session:
        memo = session.scalar(text("SELECT memo FROM journal_entries WHERE kind = 'settle_correction'"))
    assert str(first) in memo, "it names the day it corrects"
    assert proof().differences == []


def memo_of(kind: str) -> str:
    with f.look() as session:
        return session.scalar(text("SELECT memo FROM journal_entries WHERE kind = :kind"), {"kind": kind})


def test_an_adjustment_and_a_reversal_name_the_closed_day_they_correct(days: tuple[f.Cast, date]) -> None:
    cast, first = days
    close(first)
    before = look(first)
    with f.look() as session:
        deposit = session.scalar(text("SELECT id FROM journal_entries WHERE kind = 'deposit' ORDER BY id LIMIT 1"))
    books.decide(books.reverse(deposit))
    assert memo_of("reversal") == f"entry {deposit}, posted on {first}"
    asked = books.adjust("trader", cast.traders[0].id, day=first)
    assert asked.after["day"] == str(first), "who decides sees it"
    books.decide(asked)
    assert memo_of("adjustment") == f"corrects {first}"
    assert look(first).rows == before.rows
    assert proof().differences == []
    with pytest.raises(Invalid):
        books.adjust("trader", cast.traders[0].id, day=clock.today() + timedelta(days=1))


def test_the_form_of_an_adjustment_takes_the_day(days: tuple[f.Cast, date], fresh_app: Flask) -> None:
    cast, first = days
    admin = people.seat(fresh_app, people.person("admin"))
    owner = f"?owner={cast.traders[0].public_id}"
    assert "Day it corrects" in admin.get(f"/admin/treasury/adjustments/new{owner}").text
    typed = {"direction": "credit", "amount": "10", "currency": "USDT", "code": "mistake", "reason": "seen"}
    assert admin.send(f"/admin/treasury/adjustments{owner}", typed | {"day": "soon"}).status_code == 422
    assert admin.send(f"/admin/treasury/adjustments{owner}", typed | {"day": ""}).status_code == 303
    assert admin.send(f"/admin/treasury/adjustments{owner}", typed | {"day": str(first)}).status_code == 303
    with f.look() as session:
        asked = session.scalars(select(Approval).where(Approval.kind == "adjustment").order_by(Approval.id)).all()
    assert [one.after.get("day") for one in asked] == [None, str(first)]


def proof() -> verify.Report:
    session = reader()
    session.rollback()
    return verify.run(session)


@pytest.fixture
def owner(fresh_database: str, url_of: object) -> Iterator[object]:
    from sqlalchemy import create_engine

    engine = create_engine(url_of(fresh_database, "owner").replace("postgresql://", "postgresql+psycopg://"))
    yield engine
    engine.dispose()


def test_what_is_slipped_into_a_closed_day_is_found(days: tuple[f.Cast, date], owner: object) -> None:
    _, first = days
    close(first)
    assert proof().differences == []
    with owner.begin() as connection:
        connection.execute(text("ALTER TABLE journal_entries DISABLE TRIGGER USER"))
        connection.execute(text("UPDATE journal_entries SET posted_at = :at WHERE id = (SELECT max(id) FROM"
                                " journal_entries)"), {"at": clock.midnight_before(first) + timedelta(hours=1)})
    assert any(difference.startswith("nothing was posted into a day") for difference in proof().differences)


def test_differences_want_a_note(days: tuple[f.Cast, date]) -> None:
    from portal.ledger.verify import Report, Result

    _, first = days
    with transaction() as session:
        proofs.keep(session, Report([Result("a check", 1, ["store 7 is off"])]), began_at=clock.now(),
                    ended_at=clock.now(), by="a test")
    with pytest.raises(Invalid):
        close(first)
    close(first, "Told the owner; ticket 7")
    assert look(first).signed.differences == ["a check: store 7 is off"]


def test_a_signed_day_never_changes(days: tuple[f.Cast, date]) -> None:
    _, first = days
    close(first)
    for statement in ("UPDATE closed_days SET note = 'x'", "DELETE FROM closed_days"):
        with pytest.raises(DBAPIError), transaction() as session:
            session.execute(text(statement))


def test_only_who_may_sign_signs(days: tuple[f.Cast, date]) -> None:
    _, first = days
    with pytest.raises(Denied):
        close(first, by="support_orders")
    with pytest.raises(NotFound):
        look(clock.today() + timedelta(days=1))


def test_the_pages(days: tuple[f.Cast, date], fresh_app: Flask) -> None:
    _, first = days
    admin = people.seat(fresh_app, people.person("admin"))
    yesterday = first + timedelta(days=1)
    assert "To close" in admin.get("/admin/closing").get_data(as_text=True)
    page = f"/admin/closing/{yesterday}/USDT"
    html = admin.get(page).get_data(as_text=True)
    assert "Trial balance" in html
    assert "comes to nothing" in html
    assert admin.send(f"{page}/signature", {}).status_code == 303
    assert admin.send(f"{page}/signature", {}).status_code == 409
    assert "Closed" in admin.get(page).get_data(as_text=True)
    for odd in ("x/USDT", "2026-13-01/USDT", "2026-01-01/ZZZ", "9999-01-01/USDT"):
        assert admin.get(f"/admin/closing/{odd}").status_code == 404
