"""A requisite that its bank froze: out of matching, with what is stuck and the orders it touches."""
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from portal.approvals.models import Approval
from portal.core import audit
from portal.core.errors import Denied, NotFound
from portal.core.lifecycle import InvalidTransition
from portal.disputes import frozen as disputes_frozen
from portal.disputes import service as disputes
from portal.disputes.commands import OpenDispute
from portal.notices.models import Happening
from portal.orders import attention_cases, frozen, replacing
from portal.orders.models import Order
from portal.requisites import freezing, hindrances, queries, robots, service
from portal.requisites.commands import AddRequisite, MoveRequisite
from portal.requisites.freezing import FreezeRequisite
from portal.requisites.models import Requisite
from portal.treasury import decision_facts
from tests import factories as f
from tests.disputes import acts
from tests.running import wait_for

WAITS = text("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = ("
             "SELECT oid FROM pg_database WHERE datname = current_database()))")


@pytest.fixture
def cast(app) -> f.Cast:
    made = f.new_cast()
    made.requisite(made.trader())
    return made


def its(cast) -> Requisite:
    with f.look() as session:
        return session.scalars(select(Requisite).where(Requisite.trader_id == cast.traders[0].id)).one()


def freeze(cast, by=None, *, requisite=None, **more):
    frozen = requisite or its(cast)
    with f.act() as session:
        return disputes_frozen.freeze(session, by or f.as_trader(frozen.trader_id), FreezeRequisite(
            requisite_id=frozen.public_id, reason="115-FZ", **more))


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
    with f.look() as session:
        acts = session.scalars(select(audit.AuditRow.action).where(audit.AuditRow.target_id == str(its(cast).id))
                               .order_by(audit.AuditRow.id)).all()
    assert acts[-6:] == ["requisite.blocked", "requisite.frozen", "requisite.thawed", "requisite.unblocked",
                         "requisite.frozen", "requisite.thawed"], "told as what was done, not as where it led"


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


def reasons(order) -> list[str]:
    """For which the order stands on the desk."""
    with f.look() as session:
        return [one.why for one in attention_cases.of(session, order)]


@pytest.mark.parametrize("freeze_first", [True, False])
def test_a_late_claim_on_it_stands_on_the_desk_until_it_is_decided(cast, freeze_first):
    """Its place was given up when the order ended, so the freeze found nothing; nor did the claim ask."""
    order = f.expire(f.assigned_payin(cast))
    if freeze_first:
        freeze(cast)
        assert reasons(order) == []
    acts.open_by(cast.customer(order), order, "paid_late", "Paid at noon")
    if not freeze_first:
        freeze(cast)
    assert reasons(order) == ["frozen"]
    acts.decided(order, "stands")
    assert (f.fresh(order).status, reasons(order)) == ("expired", [])


def test_a_late_claim_that_its_trader_grants_leaves_nothing_behind(cast):
    order = f.expire(f.assigned_payin(cast))
    dispute = acts.open_by(cast.customer(order), order, "paid_late", "Paid at noon")
    freeze(cast)
    acts.give_in(f.as_trader(cast.traders[0]), dispute)
    assert (f.fresh(order).status, reasons(order)) == ("confirmed", [])


def test_what_lingers_on_it_keeps_its_reason_while_another_is_looked_for(cast):
    """The second trader gave the order back; the payer may have paid to the frozen one."""
    order = f.assigned_payin(cast)
    first = its(cast)
    cast.requisite(cast.trader())
    with f.act() as session:
        replacing.replace(session, cast.customer(order), replacing.ReplaceOrder(
            order_id=order.public_id, instead_of=f.assignment_of(order).public_id))
    freeze(cast)
    f.decline(f.its_trader(order), order)
    assert (f.fresh(order).status, reasons(order)) == ("new", ["frozen"])
    f.work_off("match_order")
    assert (f.fresh(order).status, reasons(order)) == ("retrying", ["frozen"])
    f.decline(f.as_trader(first.trader_id), order)
    f.cancel(cast.key, order)
    assert reasons(order) == []


@pytest.mark.parametrize("freeze_first", [True, False])
def test_a_dispute_about_the_second_of_two_calls_for_the_first_too(cast, freeze_first):
    """Both ended with the order; its payer may have paid to either."""
    order = f.assigned_payin(cast)
    cast.requisite(cast.trader())
    with f.act() as session:
        replacing.replace(session, cast.customer(order), replacing.ReplaceOrder(
            order_id=order.public_id, instead_of=f.assignment_of(order).public_id))
    f.work_off("match_order")
    order = f.expire(f.fresh(order))
    if freeze_first:
        freeze(cast)
    dispute = acts.open_by(cast.customer(order), order, "paid_late", "Paid at noon")
    assert dispute.requisite_id != its(cast).id
    if not freeze_first:
        freeze(cast)
    assert reasons(order) == ["frozen"]


def thaw(requisite):
    with f.act() as session:
        frozen.thaw(session, f.staff("admin"), MoveRequisite(
            requisite_id=requisite.public_id, reason="The bank let it go"))


def test_a_thaw_ends_what_the_freeze_called_for(cast):
    """An open order, a late claim; what staff are called to for another reason stays."""
    late = f.expire(f.assigned_payin(cast))
    acts.open_by(cast.customer(late), late, "paid_late", "Paid at noon")
    order = f.assigned_payin(cast, "1600.00")
    freeze(cast)
    with f.act() as session:
        attention_cases.call(session, session.get_one(Order, order.id), attention_cases.RECEIPT_SEEN)
    assert (reasons(late), sorted(reasons(order))) == (["frozen"], ["frozen", "receipt_seen"])
    thaw(its(cast))
    assert (reasons(late), reasons(order)) == ([], ["receipt_seen"])
    assert its(cast).status == "paused"


def exchanged(cast):
    """An order whose payer was given a second requisite for the first, and may pay on either; and the second."""
    order = f.assigned_payin(cast)
    second = cast.requisite(cast.trader())
    with f.act() as session:
        replacing.replace(session, cast.customer(order), replacing.ReplaceOrder(
            order_id=order.public_id, instead_of=f.assignment_of(order).public_id))
    f.work_off("match_order")
    return order, second


def test_a_thaw_of_one_leaves_what_the_other_called_for(cast):
    """The payer was given a second requisite for the first; both froze, and the money may be on either."""
    order, second = exchanged(cast)
    freeze(cast)
    freeze(cast, requisite=second)
    thaw(its(cast))
    assert reasons(order) == ["frozen"]
    thaw(second)
    assert reasons(order) == []


def archive(requisite):
    with f.act() as session:
        service.archive(session, f.as_trader(requisite.trader_id), MoveRequisite(requisite_id=requisite.public_id))


def test_an_archived_one_keeps_what_is_stuck_and_so_the_call(cast):
    """The first was archived while its bank had the money: a thaw of the second took the order off the desk."""
    order, second = exchanged(cast)
    order = f.expire(f.fresh(order))
    acts.open_by(cast.customer(order), order, "paid_late", "Paid at noon")
    freeze(cast)
    freeze(cast, requisite=second)
    archive(its(cast))
    assert reasons(order) == ["frozen"]
    thaw(second)
    assert reasons(order) == ["frozen"]
    acts.decided(order, "stands")
    assert reasons(order) == []


@pytest.mark.parametrize("given_back", [True, False])
def test_a_claim_on_one_that_was_archived_frozen_calls_too(cast, given_back):
    order = f.expire(f.assigned_payin(cast))
    freeze(cast)
    if given_back:
        thaw(its(cast))
    archive(its(cast))
    dispute = acts.open_by(cast.customer(order), order, "paid_late", "Paid at noon")
    assert reasons(order) == ([] if given_back else ["frozen"])
    with f.look() as session:
        assert freezing.last_ended(session, its(cast)).kept is not given_back
    acts.give_in(f.as_trader(cast.traders[0]), dispute)
    assert (f.fresh(order).status, reasons(order)) == ("confirmed", [])


def test_what_is_given_back_is_no_more_on_it(cast):
    order = f.assigned_payin(cast)
    freeze(cast)
    assert reasons(order) == ["frozen"]
    f.decline(f.its_trader(order), order)
    assert (f.fresh(order).status, reasons(order)) == ("new", [])


@pytest.mark.parametrize("freeze_first", [True, False])
def test_a_dispute_in_the_instant_of_a_freeze_calls_too(app, cast, freeze_first):
    """Neither was committed when the other looked, so nobody was called: the second waits now, and sees the first."""
    order = f.expire(f.assigned_payin(cast))
    wanted = FreezeRequisite(requisite_id=its(cast).public_id, reason="115-FZ")
    claim = OpenDispute(order_id=order.public_id, reason="paid_late", text="Paid at noon")
    acts_of_both = [lambda session: disputes_frozen.freeze(session, f.as_trader(cast.traders[0]), wanted),
                    lambda session: disputes.open_dispute(session, cast.customer(order), claim)]
    first, second = acts_of_both if freeze_first else reversed(acts_of_both)

    def alongside():
        with f.act() as session:
            second(session)

    with ThreadPoolExecutor(1) as pool:
        with f.act() as session:
            first(session)
            session.flush()
            later = pool.submit(f.at_the_same_time, app, [alongside])
            wait_for(lambda: later.done() or session.scalar(WAITS), "the second waits, or is through")
        assert later.result() == [None]
    assert reasons(order) == ["frozen"]


def test_who_approves_a_number_hears_that_its_bank_had_frozen_it(cast):
    """Archived and offered again it looked like any new one: payers would have been sent to what the bank keeps."""
    trader, number = cast.trader(), robots.test_number("luhn16", "frozen and offered again")
    first = f.new_requisite(trader, cast.method, number=number)
    freeze(cast, requisite=first)
    archive(first)
    with f.act() as session:
        again = service.add(session, f.as_trader(trader), AddRequisite(
            method=cast.method, bank="alfa", currency="RUB", holder="Holder Again", number=number,
            min_amount="100.00", max_amount="50000.00"))
        other = service.add(session, f.as_trader(trader), AddRequisite(
            method=cast.method, bank="alfa", currency="RUB", holder="Holder Again",
            number=robots.test_number("luhn16", "never frozen"), min_amount="100.00", max_amount="50000.00"))
    with f.look() as session:
        asked = session.scalars(select(Approval).where(
            Approval.target_id.in_([str(again.id), str(other.id)]))).all()
        found = decision_facts.facts_of(session, f.staff("admin"), asked)
        warned = {one.target_id: [fact.value for fact in found[one.id] if fact.warns] for one in asked}
    assert warned == {str(other.id): [], str(again.id): [
        "Its bank had frozen this number when it was archived: money may be kept there."]}
