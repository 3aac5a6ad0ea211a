"""Whatever one has in hand finds the order, for those who may see it: staff, a merchant, a trader."""
from datetime import timedelta

import pytest

from portal.core import clock
from portal.orders.commands import Customer
from portal.orders.payment_links import path_of
from portal.orders.reading import lists, trader_history
from portal.orders.reading.filters import Filters
from portal.requisites import numbers
from portal.requisites.models import Requisite
from portal.search.staff_search import look
from tests import factories as f


@pytest.fixture
def order(cast):
    cast.requisite()
    return f.assigned_payin(cast, "3990.00", external_id=f"G-{cast.method}",
                            customer=Customer(id=f"u-{cast.method}", name="Артём Тихонов", ip="203.0.113.32"))


def in_hand(cast, order) -> dict[str, str]:
    """What the pages, the store and the payer show of it."""
    return {"whole id": order.public_id, "short id": f"…{order.public_id[-6:]}", "bare short id": order.public_id[-6:],
            "payment link": f"https://desk.example{path_of(order.id)}", "external id": order.external_id,
            "external id in another case": order.external_id.swapcase(), "customer's id": f"u-{cast.method}",
            "customer's name": "Артём Т", "the same without ё": "артем тихонов"}


def test_staff_find_it_by_whatever_they_have(cast, order):
    with f.look() as session:
        requisite = session.get_one(Requisite, f.assignment_of(order).requisite_id)
        number = numbers.reveal(session, requisite)
    grouped = " ".join(number[at:at + 4] for at in range(0, 16, 4))
    for what, text in in_hand(cast, order).items() | {
            ("whole card", grouped), ("mask", f"•••• {number[-4:]}"), ("address", "203.0.113.32"),
            ("amount with its sign", "3 990,00 ₽")}:
        with f.look() as session:
            kinds = {(hit.kind, hit.id) for hit in look(session, f.staff(), text)}
            assert ("order", order.id) in kinds, what
    with f.look() as session:
        assert ("requisite", requisite.id) in {(hit.kind, hit.id) for hit in look(session, f.staff(), number)}
        assert ("requisite", requisite.id) in {(hit.kind, hit.id)
                                               for hit in look(session, f.staff(), requisite.public_id[-6:])}


@pytest.mark.parametrize(("kept", "typed"), [("Siobhán O’Brien", "siobhán o'b"), ("Мар'яна", "марʼяна"),
                                              ("Anna Großmann", "anna gross"), ("ANNA GROSSMANN", "anna groß"),
                                              ("Jean–Luc", "jean-luc")])
def test_a_name_is_found_by_any_apostrophe_and_either_spelling_of_sharp_s(cast, kept, typed):
    order = f.assigned_payin(cast, customer=Customer(id="u", name=kept))
    with f.look() as session:
        assert ("order", order.id) in {(hit.kind, hit.id) for hit in look(session, f.staff(), typed)}
        mine = lists.list_orders(session, cast.owner, Filters.of({"q": typed}), cursor=None)
    assert [row.id for row in mine.rows] == [order.id]
    assert shown(f.its_trader(order), q=typed) == [order.id]


def test_a_merchant_finds_his_and_nobody_elses(cast, order, stranger):
    for what, text in in_hand(cast, order).items():
        with f.look() as session:
            mine = lists.list_orders(session, cast.owner, Filters.of({"q": text}), cursor=None)
            assert [row.id for row in mine.rows] == [order.id], what
            assert lists.totals(session, cast.owner, Filters.of({"q": text})).count == 1, what
            assert not lists.list_orders(session, stranger.owner, Filters.of({"q": text}), cursor=None).rows, what


def test_a_whole_id_wins_over_the_other_filters_and_says_so(cast, order):
    wanted = Filters.of({"q": order.public_id, "status": "completed", "mode": "test", "day_to": "2020-01-01"})
    with f.look() as session:
        found = lists.list_orders(session, cast.owner, wanted, cursor=None)
        assert ([row.id for row in found.rows], found.outside) == ([order.id], True)
        rows, beyond = lists.batch(session, cast.owner, wanted, None)
        assert ([row.id for row in rows], beyond) == ([order.id], None), "the file holds what the list shows"
        plain = lists.list_orders(session, cast.owner, Filters.of({"q": order.public_id}), cursor=None)
        assert ([row.id for row in plain.rows], plain.outside) == ([order.id], False)
        short = Filters.of({"q": order.public_id[-6:], "status": "completed"})
        assert not lists.list_orders(session, cast.owner, short, cursor=None).rows, "a short id may be another's"


# --- a trader's history --------------------------------------------------------------------------------------------

def shown(actor, **asked) -> list:
    with f.look() as session:
        page = trader_history.page(session, actor, trader_history.Filters.of(asked), cursor=None)
        return [row.order_id for row in page.rows]


def test_a_trader_looks_up_yesterdays_complaint(cast, order, stranger):
    trader = f.its_trader(order)
    f.confirm(trader, order)
    f.work_off("settle_order")
    lost = f.assigned_payin(cast, "1700.00", customer=Customer(id="u-9", name="Полина"))
    f.cancel(cast.key, lost)
    with f.look() as session:
        last_four = session.get_one(Requisite, f.assignments_of(order)[0].requisite_id).number_last4
    with clock.moved(timedelta(days=1)):
        assert shown(trader) == [lost.id, order.id]
        for text in (order.public_id, order.public_id[-6:], "3 990,00 ₽", "артем"):
            assert shown(trader, q=text) == [order.id], text
        assert shown(trader, q=f"•••• {last_four}") == [lost.id, order.id]
        assert shown(trader, q="Полина") == [], "who pays an order that he lost is not his to know"
        assert (shown(trader, state="done"), shown(trader, state="lost")) == ([order.id], [lost.id])
        assert shown(trader, day_from=clock.today().isoformat()) == []
        assert shown(f.as_trader(stranger.traders[0]), q=order.public_id) == []
        with f.look() as session:
            asked = trader_history.Filters.of({"q": order.public_id, "state": "lost"})
            found = trader_history.page(session, trader, asked, cursor=None)
            assert ([row.order_id for row in found.rows], found.outside) == ([order.id], True)


def test_a_traders_history_has_pages(cast, monkeypatch):
    monkeypatch.setattr(trader_history, "PAGE", 2)
    trader = cast.trader()
    cast.requisite(trader)
    made = [f.assigned_payin(cast, f"{1000 + number}.00").id for number in range(5)]
    seen, cursor = [], None
    while cursor is not None or not seen:
        with f.look() as session:
            page = trader_history.page(session, f.as_trader(trader), trader_history.Filters(), cursor=cursor)
            seen += [row.order_id for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == made[::-1]
