"""A trader whose requisite the payer had exchanged speaks in the dispute of that order, to staff alone."""
import pytest
from sqlalchemy import select

from portal.core.errors import Denied, NotFound
from portal.disputes import queries
from portal.disputes.models import Dispute, Statement
from portal.notices.models import Happening
from portal.orders import replacing
from tests import factories as f
from tests import people
from tests.disputes import acts


@pytest.fixture
def case(fresh_app):
    """The first lingers, the second has the order, which its payer disputes."""
    cast = f.new_cast()
    for _ in range(2):
        cast.requisite(cast.trader())
    order = f.assigned_payin(cast)
    first = f.as_trader(f.assignment_of(order).trader_id)
    with f.act() as session:
        replacing.replace(session, cast.customer(order), replacing.ReplaceOrder(
            order_id=order.public_id, instead_of=f.assignment_of(order).public_id))
    second = f.as_trader(f.assignment_of(order).trader_id)
    f.mark_paid(cast.customer(order), order)
    return cast, order, first, second, acts.open_by(cast.key, order, "not_confirmed")


def test_he_speaks_and_staff_alone_read_it(case):
    cast, _order, first, second, dispute = case
    acts.say(first, dispute, "It came to me at noon")
    acts.say(f.staff(), dispute, "We ask his bank")
    assert acts.thread(first, dispute) == ["It came to me at noon", "We ask his bank"]
    assert acts.thread(f.staff(), dispute) == ["I paid at noon", "It came to me at noon", "We ask his bank"]
    for other in (second, cast.owner):
        assert acts.thread(other, dispute) == ["I paid at noon", "We ask his bank"]
    with f.look() as session:
        found = session.scalars(select(Dispute)).one()
        assert (found.waits_for, found.trader_id) == ("trader", second.trader_id), "the other's word is awaited still"
        assert [one.id for one in queries.running(session, first)] == [dispute.id]
        assert queries.waiting_count(session, first) == 0
        assert session.scalars(select(Statement.trader_id).where(Statement.trader_id.is_not(None))).all() == [
            first.trader_id]
        told = session.scalars(select(Happening).where(Happening.event == "order.attention")).all()
        assert any("exchanged" in str(one.facts.get("why")) for one in told)


def test_he_decides_nothing(case):
    _cast, _order, first, _second, dispute = case
    with pytest.raises(Denied):
        acts.give_in(first, dispute)


def test_a_stranger_and_who_declined_see_nothing(case):
    cast, _order, _first, _second, dispute = case
    with pytest.raises(NotFound):
        acts.say(f.as_trader(cast.trader()), dispute)


def test_staff_see_that_he_reads_what_they_say(case, fresh_app):
    """The words above what staff write named store, trader and payer alone."""
    cast, _order, _first, _second, dispute = case
    other = acts.open_by(cast.key, f.paid_payin(cast, "1600.00"), "not_confirmed")
    desk = people.seat(fresh_app, people.person("support_orders"))
    for one, told in ((dispute, "To store, trader, payer and the trader whom the payer exchanged"),
                      (other, "To store, trader and payer")):
        acts.say(f.staff(), one, "We ask his bank")
        page = desk.get(f"/admin/disputes/{one.public_id}").text
        assert [page.count(words) for words in (told, "To store, trader")] == [2, 2], "over it and in the form"
