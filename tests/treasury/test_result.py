"""The desk's own result: what settled orders brought, what it bore itself, by day, store, trader and method."""
import itertools
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from portal.core import clock
from portal.core.access import Actor
from portal.core.db import give_back, reader
from portal.core.errors import Denied, Invalid
from portal.ledger import verify
from portal.orders import corrections
from portal.treasury import result, result_proof
from portal.treasury.result import Line, Period
from portal.treasury.result_models import ResultDay, ResultLine
from tests import factories as f
from tests.treasury import books

FEE, REWARD = 407609, 163043  # of 1500 roubles at 92: 2.5 % and 1 %


@pytest.fixture
def cast(fresh_app: Flask) -> f.Cast:
    made = f.new_cast()
    made.requisite(made.trader(name="First"))
    made.requisite(made.traders[0], payout=True)
    return made


def compute(days: int = 0) -> None:
    with clock.moved(timedelta(days=days)), f.act() as session:
        result.compute(session)


def look(by: result.By = "day", actor: Actor | None = None, **which: Any) -> list[Line]:
    period = Period(clock.today() - timedelta(days=5), clock.today() + timedelta(days=5))
    with f.look() as session:
        return result.lines(session, actor or f.staff("admin"), period, by, **which)


def figures(line: Line) -> tuple[int, int, int, int, int]:
    return line.orders, line.fee.minor, line.reward.minor, line.other.minor, line.result.minor


def kept() -> list[tuple[Any, ...]]:
    with f.look() as session:
        return sorted(str([getattr(row, column.name) for column in ResultLine.__table__.columns
                           if column.name != "number"]) for row in session.query(ResultLine))


def test_fees_less_rewards(cast: f.Cast) -> None:
    f.completed_payin(cast)
    f.completed_payin(cast)
    compute()
    (line,) = look()
    assert figures(line) == (2, 2 * FEE, 2 * REWARD, 0, 2 * (FEE - REWARD))
    assert line.turnover.minor == 2 * 16_304348
    assert line.key == clock.today()


def test_a_payout_too(cast: f.Cast) -> None:
    f.deposit_to(f.ledger.store_available(cast.store.id, "USDT", True), "100.000000")
    fees = books.fees()
    f.agree(cast.key, f.paid_payout(cast))
    f.work_off("settle_order")
    compute()
    (line,) = look()
    assert line.orders == 1
    assert line.result.minor == books.fees() - fees


def test_by_store_trader_and_method(cast: f.Cast) -> None:
    other = f.new_cast()
    other.requisite(other.trader(name="Second"))
    f.completed_payin(cast)
    f.completed_payin(other, "3000.00")
    compute()
    assert [(line.key, line.orders) for line in look("store")] == [(other.store.id, 1), (cast.store.id, 1)]
    assert [line.name for line in look("trader")] == ["Second", "First"]
    assert {line.key for line in look("method")} == {cast.method, other.method}
    assert [line.orders for line in look("day", store_id=cast.store.id)] == [1]
    assert look("day", trader_id=cast.store.id) == []
    assert [figures(line)[0] for line in result.totals(look("store"))] == [2]


def test_what_the_desk_bears_and_keeps(cast: f.Cast) -> None:
    """Compensation and a penalty stand with whom they are about; what was written off, with nobody."""
    books.adjusted("store", cast.store.id, "3", code="goodwill")
    books.adjusted("trader", cast.traders[0].id, "5", direction="debit", code="penalty")
    books.adjusted("world", amount="30", direction="debit", code="unplaced")
    books.adjusted("platform", amount="7", code="written_off")
    undone = books.adjusted("store", cast.store.id, "11", code="goodwill")
    books.decide(books.reverse(books.entry_of(undone.id)))
    compute()
    assert {line.key: figures(line)[3:] for line in look("store")} == {
        cast.store.id: (-3_000000, -3_000000), None: (12_000000, 12_000000)}
    assert {line.key: line.other.minor for line in look("trader")} == {cast.traders[0].id: 5_000000, None: 4_000000}
    (line,) = look()
    assert line.result.minor == 9_000000 == books.fees()


def correct(cast: f.Cast, order: Any, amount: str) -> None:
    with f.act() as session:
        asked = corrections.ask(session, f.staff("admin"), corrections.AskCorrection(
            order_id=order.public_id, amount=amount, reason="statement"))
    books.decide(asked)


def test_a_correction_counts_on_its_own_day(cast: f.Cast) -> None:
    order = f.completed_payin(cast)
    compute()
    with clock.moved(timedelta(days=1)):
        correct(cast, order, "750.00")
    compute(1)
    later, first = look()
    assert figures(first) == (1, FEE, REWARD, 0, FEE - REWARD)
    assert later.orders == 0
    assert later.turnover.minor == -8_152174
    assert later.result.minor < 0
    assert first.result.minor + later.result.minor == books.fees()


def test_anew_it_comes_to_the_same(cast: f.Cast) -> None:
    order = f.completed_payin(cast)
    compute()
    with clock.moved(timedelta(days=1)):
        correct(cast, order, "750.00")
        f.completed_payin(cast, "1600.00")
    compute(1)
    before = kept()
    for day in (0, 1, 0):
        with clock.moved(timedelta(days=1)), f.act() as session:
            result.compute_day(session, clock.today() - timedelta(days=1 - day))
    assert kept() == before


def test_a_finished_day_is_left_alone_and_the_newest_is_not(cast: f.Cast) -> None:
    f.completed_payin(cast)
    compute(2)
    with f.look() as session:
        first = {row.day: row.computed_at for row in session.query(ResultDay)}
    assert len(first) == 3
    compute(2)
    with f.look() as session:
        again = {row.day: row.computed_at for row in session.query(ResultDay)}
    assert [again[day] == first[day] for day in sorted(first)] == [True, True, False]


def test_days_follow_each_other_where_the_operator_moves(cast: f.Cast) -> None:
    zone = clock.zone_name()
    try:
        clock.use_zone("Europe/Moscow")
        compute()
        f.completed_payin(cast)
        compute()
        clock.use_zone("Asia/Almaty")
        compute(1)
        compute(2)
    finally:
        clock.use_zone(zone)
    with f.look() as session:
        days = session.query(ResultDay).order_by(ResultDay.day).all()
    assert len(days) > 1
    assert all(one.ended_at == after.began_at for one, after in itertools.pairwise(days))
    assert proof(2).differences == []


def test_on_an_empty_desk_nothing_is_added_up(fresh_app: Flask) -> None:
    compute()
    assert look() == []


def test_who_may_see_it(cast: f.Cast) -> None:
    for actor in (f.staff("support_traders"), f.staff("support_readonly"), cast.owner, f.as_trader(cast.traders[0])):
        with pytest.raises(Denied):
            look(actor=actor)


def test_a_year_at_most() -> None:
    today = clock.today()
    assert Period.of(None, None) == Period(today - timedelta(days=29), today)
    with pytest.raises(Invalid):
        Period.of(today - timedelta(days=366), today)


def proof(days: int = 1) -> verify.Report:
    give_back()
    with clock.moved(timedelta(days=days)):
        return verify.run(reader(), result_proof.CHECKS)


@pytest.mark.parametrize("statement", [
    "UPDATE result_lines SET fee_minor = fee_minor + 1", "DELETE FROM result_lines",
    "UPDATE result_days SET began_at = began_at + interval '30 hours', ended_at = ended_at + interval '30 hours'"])
def test_a_finished_day_equals_what_fees_moved(cast: f.Cast, fresh_database: str, url_of: Any, statement: str) -> None:
    f.completed_payin(cast)
    books.adjusted("store", cast.store.id, "3", code="goodwill")
    compute(4)  # so that a day moved by thirty hours has ended too, whatever the hour
    assert proof().differences == []
    assert proof().results[0].examined >= 1
    engine = create_engine(url_of(fresh_database, "owner").replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        assert connection.execute(text(statement)).rowcount
    engine.dispose()
    assert proof().differences != []
