"""Lists of orders: what each reader finds, by each filter, also where much must be looked through."""
from datetime import timedelta

import pytest

from portal.core import clock
from portal.core.errors import Invalid
from portal.orders import queries
from portal.orders.reading import lists
from portal.orders.reading.filters import Filters
from portal.orders.reading.lists import batch, list_orders, totals
from tests import factories
from tests.factories import look, rub


@pytest.fixture
def cast(app):
    cast = factories.new_cast()
    cast.requisite()
    return cast


def found(actor, **asked) -> list[str]:
    with look() as session:
        return [order.external_id for order in list_orders(session, actor, Filters.of(asked), cursor=None).rows]


def test_each_filter_finds_what_it_says(cast):
    factories.completed_payin(cast, "1500.00", external_id="a")
    factories.paid_payin(cast, "2500.00", external_id="b", customer={"id": "u-1"})
    cast.order("3500.00", external_id="c")
    owner = cast.owner
    assert found(owner) == ["c", "b", "a"]
    assert found(owner, status="open") == ["c", "b"]
    assert found(owner, status="completed") == ["a"]
    assert found(owner, status="new") == ["c"]
    assert found(owner, status="unpaid") == []
    assert found(owner, q="u-1") == ["b"]
    assert found(owner, q="a") == ["a"]
    assert found(owner, currency="RUB", amount_from="2000", amount_to="3000.00") == ["b"]
    assert found(owner, method=cast.method, store=cast.store.public_id) == ["c", "b", "a"]
    assert found(owner, mode="test") == []
    assert set(found(factories.staff(), store=cast.store.public_id)) == {"a", "b", "c"}


def test_another_merchant_finds_nothing_and_a_trader_has_no_list(cast):
    order = cast.order("1500.00")
    other = factories.new_cast()
    assert found(other.owner) == []
    assert found(other.owner, q=order.external_id) == []
    assert found(other.owner, store=cast.store.public_id) == []


def test_pages_follow_each_other_without_gap_or_repeat(cast, monkeypatch):
    monkeypatch.setattr(lists, "PAGE", 3)
    made = [cast.order(f"{1000 + number}.00").external_id for number in range(8)]
    seen, cursor = [], None
    while True:
        with look() as session:
            page = list_orders(session, cast.owner, Filters(), cursor=cursor)
            seen += [order.external_id for order in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == made[::-1]


def test_a_rare_one_is_found_by_looking_further_back(cast, monkeypatch):
    monkeypatch.setattr(queries, "LOOK_BACK", 4)
    rare = factories.completed_payin(cast, "900.00")
    for number in range(6):
        cast.order(f"{1000 + number}.00")
    wanted = Filters.of({"status": "completed"})
    with look() as session:
        first = list_orders(session, cast.owner, wanted, cursor=None)
        assert not first.rows
        assert first.looked_back_to is not None
        second = list_orders(session, cast.owner, wanted, cursor=first.next_cursor)
        assert [order.id for order in second.rows] == [rare.id]
        assert second.next_cursor is None
    assert exported(cast.owner, wanted) == [rare.id]


def test_the_gateway_looks_no_further_back_for_a_rare_status(cast, monkeypatch):
    """`?status=disputed` of a big store walked its whole history: now a page ends there, and leads on."""
    monkeypatch.setattr(queries, "LOOK_BACK", 4)
    rare = factories.completed_payin(cast, "900.00")
    for number in range(6):
        cast.order(f"{1000 + number}.00")
    wanted, cursor, pages = queries.OrderFilter(direction="payin", status="completed"), None, []
    while cursor is not None or not pages:
        with look() as session:
            page = queries.page(session, cast.key, wanted, cursor=cursor, limit=2)
            pages.append([order.id for order in page.rows])
        cursor = page.next_cursor
    assert pages == [[], [rare.id]]
    newest = queries.OrderFilter(direction="payin", status="new")
    with look() as session:
        first = queries.page(session, cast.key, newest, cursor=None, limit=2)
        second = queries.page(session, cast.key, newest, cursor=first.next_cursor, limit=2)
    assert [order.amount.text for order in (*first.rows, *second.rows)] == ["1005.00", "1004.00", "1003.00", "1002.00"]


def test_a_list_says_what_it_comes_to(cast, monkeypatch):
    for amount in ("1000.00", "2000.50"):
        cast.order(amount)
    with look() as session:
        assert totals(session, cast.owner, Filters()) == lists.Totals(2, [rub("3000.50")], False)
        monkeypatch.setattr(lists, "TOTAL_MAX", 1)
        assert totals(session, cast.owner, Filters()).more


def test_an_export_comes_in_batches_and_misses_nothing(cast, monkeypatch):
    monkeypatch.setattr(lists, "BATCH", 3)
    made = [cast.order(f"{1000 + number}.00").id for number in range(7)]
    assert exported(cast.owner, Filters()) == made[::-1]


def exported(actor, filters: Filters) -> list:
    seen, place = [], None
    while True:
        with look() as session:
            rows, place = batch(session, actor, filters, place)
            assert len(rows) <= lists.BATCH
            seen += [order.id for order in rows]
        if place is None:
            return seen


@pytest.mark.parametrize("asked", [
    {"amount_from": "5"}, {"currency": "RUB", "amount_from": "1e3"}, {"currency": "XYZ"}, {"store": "str_nothing"},
    {"method": "pigeon"}, {"status": "lost"}, {"mode": "dry"}])
def test_odd_filters_are_named(app, asked):
    with pytest.raises(Invalid) as refused:
        Filters.of(asked)
    assert refused.value.fields


def test_days_bound_the_list(cast):
    cast.order("1500.00", external_id="today")
    today = clock.today()
    assert found(cast.owner, day_from=str(today)) == ["today"]
    assert found(cast.owner, day_to=str(today - timedelta(days=1))) == []
