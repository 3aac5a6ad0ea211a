"""Disputes of payins and payouts: who opens what, whose word is next, who decides, and what money does meanwhile."""
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal import files
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Denied, Invalid, NotFound
from portal.core.lifecycle import InvalidTransition
from portal.disputes import clocks, evidence, proof, queries, service
from portal.disputes.decisions import OwnDispute
from portal.disputes.models import Dispute
from portal.disputes.reasons import Evidence
from portal.disputes.service import DisputeEnded, DisputeOpen, NothingToDispute
from portal.ledger import verify
from portal.orders import receipts
from portal.orders.models import Order
from portal.parties import traders
from portal.webhooks import service as webhooks
from portal.webhooks.commands import CreateEndpoint
from portal.webhooks.models import Event
from tests import factories as f
from tests import people
from tests.disputes import acts


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    made = f.new_cast()
    made.requisite(made.trader(), payout=True)
    return made


@pytest.fixture(autouse=True)
def _the_books_hold(cast: f.Cast):
    yield
    f.work_off("settle_order")
    with Session(db.engine) as session:
        report = verify.run(session)
    with f.look() as session:  # other tests of this worker leave orders as no step would
        own = {str(id) for (id,) in session.query(Order.id).filter(Order.store_id == cast.store.id)}
    own |= {str(cast.store.id), *(str(trader.id) for trader in cast.traders)}
    assert not [one for one in report.differences if any(id in one for id in own)]


def status(order: Order) -> str:
    return f.fresh(order).status


def one(dispute: Dispute) -> Dispute:
    return f.fresh(dispute)


def test_a_payer_opens_it_the_trader_answers_and_two_of_the_staff_decide(cast: f.Cast) -> None:
    order = f.paid_payin(cast)
    held = f.trader_held(cast.traders[0])
    dispute = acts.open_by(cast.customer(order), order, "not_confirmed")
    assert (status(order), one(dispute).waits_for) == ("disputed", "trader")
    acts.say(f.its_trader(order), dispute, "Nothing came")
    assert one(dispute).waits_for == "staff"
    approval = acts.ask(order, "complete")
    assert f.trader_held(cast.traders[0]) == held, "money stays held until it is decided"
    acts.agree(approval)
    f.work_off("settle_order")
    ended = one(dispute)
    assert (status(order), ended.outcome, ended.ground, ended.waits_for) == (
        "completed", "complete", "Both statements seen", None)
    assert f.store_available(cast.store).text == "15.896739"


def test_cancelled_it_gives_the_collateral_back(cast: f.Cast) -> None:
    before = f.trader_available(cast.traders[0])
    order = f.paid_payin(cast)
    dispute = acts.open_by(f.its_trader(order), order, "not_received")
    assert one(dispute).waits_for == "store"
    acts.decided(order, "cancel")
    assert (status(order), one(dispute).outcome) == ("cancelled", "cancel")
    assert f.trader_available(cast.traders[0]) == before


def test_decided_on_another_amount_it_is_settled_on_that(cast: f.Cast) -> None:
    order = f.paid_payin(cast)
    dispute = acts.open_by(cast.key, order, "wrong_amount")
    acts.decided(order, "complete", "750.00")
    f.work_off("settle_order")
    assert (status(order), one(dispute).outcome, f.fresh(order).exactness) == ("completed", "adjust", "under")
    assert f.store_available(cast.store).text == "7.948370"


def test_a_payout_that_did_not_arrive_goes_back_to_its_store(cast: f.Cast) -> None:
    order = f.paid_payout(cast)
    dispute = acts.open_by(cast.owner, order, "not_arrived")
    assert (status(order), one(dispute).waits_for) == ("disputed", "trader")
    acts.decided(order, "cancel")
    assert status(order) == "cancelled"
    assert f.store_available(cast.store).text == "1000.000000"
    assert f.store_held(cast.store).text == "0.000000"


def test_a_payout_of_which_less_arrived_spares_its_store_the_rest(cast: f.Cast) -> None:
    before = f.trader_available(cast.traders[0]).minor
    order = f.paid_payout(cast)
    acts.open_by(cast.owner, order, "less_arrived")
    with pytest.raises(Invalid):
        acts.ask(order, "complete", "1600.00")
    acts.decided(order, "complete", "750.00")
    f.work_off("settle_order")
    settled = f.fresh(order)
    assert settled.status == "completed"
    assert f.store_available(cast.store).minor == 1000_000000 - settled.final_settlement_minor - settled.final_fee_minor
    assert f.store_held(cast.store).text == "0.000000"
    assert f.trader_available(cast.traders[0]).minor - before == (
        settled.final_settlement_minor + settled.final_reward_minor)


@pytest.mark.parametrize(("amount", "left"), [("0", "0.000000"), ("750.00", "7.948370")])
def test_a_completed_order_is_corrected_and_stays_completed(cast: f.Cast, amount: str, left: str) -> None:
    order = f.completed_payin(cast)
    f.work_off("settle_order")
    dispute = acts.open_by(f.as_trader(cast.traders[0]), order, "taken_back")
    assert status(order) == "completed"
    acts.decided(order, "correct", amount)
    assert (status(order), one(dispute).outcome) == ("completed", "correct")
    assert f.store_available(cast.store).text == left


def test_a_completed_order_may_stand(cast: f.Cast) -> None:
    order = f.completed_payin(cast)
    f.work_off("settle_order")
    dispute = acts.open_by(cast.customer(order), order, "wrong_amount")
    acts.decided(order, "stands")
    assert one(dispute).outcome == "stands"
    assert f.store_available(cast.store).text == "15.896739"


def test_who_gives_in_ends_it_at_once(cast: f.Cast) -> None:
    confirmed, withdrawn = f.paid_payin(cast), f.paid_payin(cast, "1600.00")
    dispute = acts.open_by(cast.customer(confirmed), confirmed, "not_confirmed")
    with pytest.raises(Denied):
        acts.give_in(cast.customer(confirmed), dispute)
    acts.give_in(f.its_trader(confirmed), dispute)
    assert (status(confirmed), one(dispute).outcome) == ("confirmed", "complete")
    other = acts.open_by(f.its_trader(withdrawn), withdrawn, "not_received")
    acts.give_in(cast.owner, other)
    assert (status(withdrawn), one(other).outcome) == ("cancelled", "cancel")


def test_giving_in_is_no_way_around_risk(cast: f.Cast) -> None:
    """Who said that the money arrived after all settled what rules hold for a person."""
    order = f.paid_payin(cast)
    dispute = acts.open_by(cast.key, order, "not_confirmed")
    f.change(f.fresh(order), waits_for="staff")
    acts.give_in(f.its_trader(order), dispute)
    assert (status(order), one(dispute).waits_for) == ("disputed", "staff")
    assert acts.thread(f.staff(), dispute)[-1] == "The money did arrive."


@pytest.mark.parametrize("outcome", ["complete", "cancel"])
def test_limits_of_decisions_go_by_what_is_decided_about(cast: f.Cast, outcome: str) -> None:
    """Settling a large order on a little was a little decision."""
    order = f.paid_payin(cast)
    acts.open_by(cast.key, order, "wrong_amount")
    approval = acts.ask(order, outcome, "50.00" if outcome == "complete" else None)
    assert approval.amount == f.rub("1500.00")


def test_a_store_says_that_its_payout_arrived_after_all(cast: f.Cast) -> None:
    order = f.paid_payout(cast)
    dispute = acts.open_by(cast.owner, order, "not_arrived")
    acts.give_in(cast.owner, dispute)
    assert (status(order), one(dispute).outcome) == ("confirmed", "complete")


def test_one_at_a_time_and_only_of_what_can_be_objected_to(cast: f.Cast) -> None:
    order = f.paid_payin(cast)
    acts.open_by(cast.key, order, "not_confirmed")
    with pytest.raises(DisputeOpen):
        acts.open_by(f.its_trader(order), order, "not_received")
    fresh = f.found(f.create_payin(cast, "1601.00").answer["id"])
    with pytest.raises(NothingToDispute):
        acts.open_by(cast.key, fresh, "not_confirmed")
    another = f.paid_payin(cast, "1602.00")
    with pytest.raises(Invalid):
        acts.open_by(cast.key, another, "not_received")  # a trader's reason
    f.cancel(cast.key, fresh)


def test_strangers_see_and_say_nothing(cast: f.Cast) -> None:
    order = f.paid_payin(cast)
    dispute = acts.open_by(cast.key, order, "not_confirmed")
    for stranger in (f.new_cast().owner, f.as_trader(f.new_trader()), f.new_cast().key):
        with pytest.raises(NotFound):
            acts.say(stranger, dispute)
        with pytest.raises(NotFound), f.look() as session:
            queries.find(session, stranger, dispute.public_id)
    with pytest.raises(Denied):
        acts.say(f.staff("support_readonly"), dispute)


def test_notes_of_the_staff_are_for_the_staff(cast: f.Cast) -> None:
    order = f.paid_payin(cast)
    payer = cast.customer(order)
    dispute = acts.open_by(payer, order, "not_confirmed", "I paid")
    acts.say(f.staff(), dispute, "He did this before", staff_only=True)
    acts.say(f.its_trader(order), dispute, "Nothing came")
    with pytest.raises(Denied):
        acts.say(cast.owner, dispute, "hidden", staff_only=True)
    assert acts.thread(f.staff(), dispute) == ["I paid", "He did this before", "Nothing came"]
    assert acts.thread(cast.owner, dispute) == ["I paid", "Nothing came"]
    assert acts.thread(payer, dispute) == ["I paid"]


def test_evidence_is_for_both_sides_and_what_staff_keep_is_not(cast: f.Cast) -> None:
    order = f.paid_payin(cast)
    dispute = acts.open_by(cast.key, order, "not_confirmed")
    trader, support = f.its_trader(order), f.staff()
    shown, kept = f.upload(trader, f.picture()), f.upload(support, f.picture(91))
    acts.say(trader, dispute, files=(shown.public_id,))
    acts.say(support, dispute, staff_only=True, files=(kept.public_id,))
    with f.look() as session:
        assert files.open_file(session, cast.owner, shown.public_id)
        for reader_, file in ((cast.owner, kept), (trader, kept), (f.new_cast().owner, shown)):
            with pytest.raises(NotFound):
                files.open_file(session, reader_, file.public_id)


def test_what_a_side_brought_is_ticked_and_nothing_else(app: Flask, cast: f.Cast) -> None:
    """By what it says its files are; words alone, files nobody named and the other side's tick nothing."""
    order = f.paid_payin(cast)
    payer, trader = cast.customer(order), f.its_trader(order)
    dispute = acts.open_by(payer, order, "not_confirmed")

    def ticked() -> dict[str, set[str]]:
        with f.look() as session:
            found = queries.find(session, f.staff(), dispute.public_id)
            said = queries.thread(session, f.staff(), found)
            return {str(side): {str(what) for what in brought} for side, brought in evidence.brought(
                session, found, said, files.of(session, service.EVIDENCE, [one.id for one in said])).items()}

    acts.say(trader, dispute, "Nothing came", files=(f.upload(trader, f.picture()).public_id,))
    assert ticked() == {"store": set(), "trader": set()}
    with pytest.raises(Invalid):
        acts.say(trader, dispute, "The statement", shows=(Evidence.STATEMENT,))
    with pytest.raises(Invalid):
        acts.say(trader, dispute, files=(f.upload(trader, f.picture(91)).public_id,), shows=(Evidence.RECEIPT,))
    acts.say(trader, dispute, files=(f.upload(trader, f.picture(92)).public_id,), shows=(Evidence.STATEMENT,))
    acts.say(payer, dispute, files=(f.upload(payer, f.picture(93)).public_id,), shows=(Evidence.RECEIPT,))
    assert ticked() == {"store": {"receipt"}, "trader": {"statement"}}
    page = people.seat(app, people.person("support_orders")).get(f"/admin/disputes/{dispute.public_id}").text
    assert (page.count("Attached"), page.count("Not yet")) == (2, 0)


def test_a_receipt_that_the_order_holds_is_ticked(cast: f.Cast) -> None:
    order = f.paid_payin(cast)
    payer = cast.customer(order)
    sent = f.upload(payer, f.picture())
    with f.act() as session:
        receipts.add(session, payer, receipts.AddReceipts(order_id=order.public_id, files=(sent.public_id,)))
    dispute = acts.open_by(cast.key, order, "not_confirmed")
    with f.look() as session:
        found = queries.find(session, f.staff(), dispute.public_id)
        assert evidence.brought(session, found, [], ()) == {"store": {"receipt"}, "trader": set()}


def test_a_party_never_decides(cast: f.Cast) -> None:
    order = f.paid_payin(cast)
    opener = f.staff("admin")
    acts.open_by(opener, order, "other")
    approval = acts.ask(order, "cancel")
    with pytest.raises(OwnDispute):
        acts.agree(approval, by=opener)
    for party in (f.its_trader(order), cast.owner, cast.key):
        with pytest.raises(Denied):
            acts.ask(order, "complete", by=party)
    acts.agree(approval)


def test_what_would_post_something_else_by_now_is_stale(cast: f.Cast) -> None:
    order = f.completed_payin(cast)
    f.work_off("settle_order")
    acts.open_by(f.as_trader(cast.traders[0]), order, "taken_back")
    approval = acts.ask(order, "correct", "0")
    f.spend(cast.store, f.usdt("10.000000"))  # suspense would have to stand in now
    from portal.approvals import StaleApproval
    with pytest.raises(StaleApproval):
        acts.agree(approval)


def test_past_cases_of_what_they_share(app: Flask, cast: f.Cast) -> None:
    """The same customer, card, person, trader, store; nobody else's."""
    def disputed(on: f.Cast, customer: str, amount: str = "1500.00") -> Dispute:
        return acts.open_by(on.key, f.paid_payin(on, amount, customer={"id": customer}), "not_confirmed")

    shop, person = f.new_cast(), f"Anna {cast.store.slug}"
    shop.requisite(holder=person)
    first, beside = disputed(shop, "c-1"), disputed(shop, "c-2", "1600.00")
    with f.act() as session:
        traders.end_shift(session, f.as_trader(shop.traders[0]), shop.traders[0].id)
    shop.requisite(shop.trader(), holder=person)
    elsewhere = disputed(shop, "c-1")
    disputed(cast, "c-1")
    with f.look() as session:
        found = queries.alike(session, first)
    assert {what: [other.id for other in others] for what, others in found.items()} == {
        "customer": [elsewhere.id], "requisite": [beside.id], "holder": [elsewhere.id, beside.id],
        "trader": [beside.id], "store": [elsewhere.id, beside.id]}


def test_two_arbiters_at_once_decide_once(app: Flask, cast: f.Cast) -> None:
    order = f.paid_payin(cast)
    dispute = acts.open_by(cast.key, order, "not_confirmed")
    approval = acts.ask(order, "complete")
    outcomes = f.at_the_same_time(app, [lambda by=f.staff("admin"): acts.agree(approval, by) for _ in range(4)])
    assert sum(one is None for one in outcomes) == 1
    assert one(dispute).outcome == "complete"


def test_the_trader_gives_in_while_staff_decide_against_him(cast: f.Cast) -> None:
    order = f.paid_payin(cast)
    dispute = acts.open_by(cast.key, order, "not_confirmed")
    approval = acts.ask(order, "cancel")
    acts.give_in(f.its_trader(order), dispute)
    from portal.approvals import StaleApproval
    with pytest.raises(StaleApproval):
        acts.agree(approval)
    with pytest.raises(DisputeEnded):
        acts.say(cast.key, dispute)


def test_expiry_and_confirmation_leave_a_disputed_order_alone(cast: f.Cast) -> None:
    order = f.assigned_payin(cast)
    with pytest.raises(NothingToDispute):  # whoever has the link would hold the collateral for nothing
        acts.open_by(cast.customer(order), order, "not_confirmed")
    acts.open_by(cast.key, order, "not_confirmed")
    with clock.moved(timedelta(days=2)):
        f.work_off("expire_order")
        f.work_off("flag_unconfirmed")
    assert status(order) == "disputed"
    with pytest.raises(InvalidTransition):
        f.confirm(f.its_trader(order), order)
    with pytest.raises(InvalidTransition):
        f.cancel(cast.key, order)


def test_a_silent_side_is_noted_and_staff_look_next(cast: f.Cast) -> None:
    order = f.paid_payin(cast)
    dispute = acts.open_by(cast.key, order, "not_confirmed")
    with clock.moved(timedelta(hours=1)):
        f.work_off("dispute_deadline")
        assert one(dispute).waits_for == "trader"
    with clock.moved(timedelta(hours=3)):
        f.work_off("dispute_deadline")
    silent = one(dispute)
    assert (silent.waits_for, silent.silent) == ("staff", "trader")
    with f.look() as session:
        assert clocks.suggested(queries.find(session, f.staff(), silent.public_id)) == "complete"
    acts.say(f.staff(), silent, "Looks like him", staff_only=True)
    assert one(dispute).silent == "trader", "a note wipes nothing"
    assert status(order) == "disputed", "nobody loses by the clock alone"
    acts.say(f.staff(), silent, "Show the statement, please", asks="trader")
    assert one(dispute).waits_for == "trader"


def test_a_payin_that_nobody_confirms_becomes_a_dispute_by_itself(cast: f.Cast) -> None:
    order = f.paid_payin(cast)
    with clock.moved(timedelta(hours=2)):
        f.work_off("flag_unconfirmed")
        assert status(order) == "paid"
    with clock.moved(timedelta(hours=4)), f.act() as session:
        clocks.open_unconfirmed(session)
    assert status(order) == "disputed"
    with f.look() as session:
        found = queries.open_of(session, order.id)
        assert found is not None
        assert (found.reason, found.opened_by, found.waits_for) == ("unconfirmed", "system", "trader")


def test_the_store_is_told_of_each_step(cast: f.Cast) -> None:
    with f.act() as session:
        webhooks.create_endpoint(session, cast.key, CreateEndpoint(
            url="http://127.0.0.1:9/hook", events=["dispute.opened", "dispute.answered", "dispute.decided",
                                                   "payin.disputed"]))
    order = f.paid_payin(cast)
    dispute = acts.open_by(cast.customer(order), order, "not_confirmed")
    acts.say(f.its_trader(order), dispute)
    acts.say(f.staff(), dispute, "note", staff_only=True)
    acts.decided(order, "cancel")
    with f.look() as session:
        told = session.query(Event).filter_by(store_id=cast.store.id).order_by(Event.id).all()
        assert [event.type for event in told] == [
            "payin.disputed", "dispute.opened", "dispute.answered", "dispute.decided"]
        last = told[-1].payload
    assert (last["order_id"], last["outcome"], last["ground"]) == (order.public_id, "cancel", "Both statements seen")


def test_the_proof_finds_an_order_that_nobody_is_asked_about(fresh_app: Flask) -> None:
    cast = f.new_cast()
    cast.requisite(cast.trader())
    order = f.paid_payin(cast)
    acts.open_by(cast.key, order, "not_confirmed")
    with f.look() as session:
        assert not session.connection().exec_driver_sql(proof.STANDS.differing).all()
    f.change(f.fresh(order), status="paid")
    with f.look() as session:
        assert session.connection().exec_driver_sql(proof.STANDS.differing).all()


