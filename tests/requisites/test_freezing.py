"""A requisite that its bank froze: out of matching, with what is stuck and the orders it touches."""
import pytest
from sqlalchemy import select

from portal.core.errors import Denied, NotFound
from portal.core.lifecycle import InvalidTransition
from portal.notices.models import Happening
from portal.orders import frozen
from portal.requisites import freezing, hindrances, queries, service
from portal.requisites.commands import MoveRequisite
from portal.requisites.freezing import FreezeRequisite
from portal.requisites.models import Requisite
from tests import factories as f


@pytest.fixture
def cast(app) -> f.Cast:
    made = f.new_cast()
    made.requisite(made.trader())
    return made


def its(cast) -> Requisite:
    with f.look() as session:
        return session.scalars(select(Requisite).where(Requisite.trader_id == cast.traders[0].id)).one()


def freeze(cast, by=None, **more):
    with f.act() as session:
        return frozen.freeze(session, by or f.as_trader(cast.traders[0]), FreezeRequisite(
            requisite_id=its(cast).public_id, reason="115-FZ", **more))


def test_its_trader_says_so_and_staff_are_called_to_what_is_open(cast):
    settled, order = f.completed_payin(cast, "1500.00"), f.assigned_payin(cast, "1600.00")
    freeze(cast, stuck="1500")
    assert f.fresh(order).status == "assigned", "what is open goes on"
    assert f.fresh(order).needs_attention_at is not None
    with f.look() as session:
        found = next(one for one in freezing.frozen(session, f.staff()) if one.requisite_id == its(cast).id)
        assert (found.reason, found.stuck) == ("115-FZ", f.rub("1500.00"))
        touched = frozen.touched(session, found.requisite, found)
        assert {one.order_id for one in touched} == {settled.id, order.id}
        said = [one.event for one in session.scalars(select(Happening)) if order.public_id in str(one.facts)
                or its(cast).public_id in str(one.facts)]
        assert {"requisite.frozen", "order.attention"} <= set(said)
        [why] = hindrances.hindrances(session, cast.traders[0], [found.requisite])[found.requisite_id]
    assert why.because == "frozen"
    after = cast.order("1700.00")
    f.work_off("match_order")
    assert f.fresh(after).status == "retrying"


def test_staff_alone_give_it_back_paused(cast):
    freeze(cast)
    with pytest.raises(InvalidTransition):
        freeze(cast)
    wanted = MoveRequisite(requisite_id=its(cast).public_id, reason="The bank let it go")
    for not_theirs in (service.resume, freezing.thaw):
        with pytest.raises((InvalidTransition, Denied)), f.act() as session:
            not_theirs(session, f.as_trader(cast.traders[0]), wanted)
    with f.act() as session:
        freezing.say_stuck(session, f.staff("admin"), FreezeRequisite(
            requisite_id=its(cast).public_id, reason="By the statement", stuck="99.50"))
        freezing.thaw(session, f.staff("admin"), wanted)
    with f.look() as session:
        requisite = queries.find(session, f.staff(), its(cast).public_id)
        assert (requisite.status, freezing.of(session, requisite)) == ("paused", None)


def test_a_freeze_washes_no_block_off(cast):
    """Its trader may say that it is frozen, and staff who give it back need not know that others had blocked it."""
    wanted = MoveRequisite(requisite_id=its(cast).public_id, reason="It took from who it should not")
    with f.act() as session:
        service.block(session, f.staff("admin"), wanted)
    freeze(cast)
    with f.act() as session:
        freezing.thaw(session, f.staff("admin"), wanted)
    assert its(cast).status == "blocked"
    with pytest.raises(InvalidTransition), f.act() as session:
        service.resume(session, f.as_trader(cast.traders[0]), wanted)
    with f.act() as session:
        service.unblock(session, f.staff("admin"), wanted)
    freeze(cast)
    with f.act() as session:
        freezing.thaw(session, f.staff("admin"), wanted)
    assert its(cast).status == "paused", "it was not blocked before this one"


def test_an_archived_one_is_on_the_list_no_more(cast):
    freeze(cast)
    with f.act() as session:
        service.archive(session, f.as_trader(cast.traders[0]), MoveRequisite(requisite_id=its(cast).public_id))
    with f.look() as session:
        assert its(cast).id not in [one.requisite_id for one in freezing.frozen(session, f.staff())]


def test_another_traders_does_not_exist(cast):
    stranger = f.new_cast()
    with pytest.raises(NotFound):
        freeze(cast, by=f.as_trader(stranger.trader()))
    with pytest.raises(Denied):
        freeze(cast, by=f.staff("support_readonly"))
