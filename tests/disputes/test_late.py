"""Money after the end: claimed by the payer, confirmed by the trader, decided by staff; with collateral and without."""
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal.core import clock
from portal.core.errors import Invalid
from portal.core.lifecycle import InvalidTransition
from portal.disputes import confirming, decisions, queries, reasons, reminders
from portal.disputes.models import Dispute
from portal.disputes.service import NothingToDispute
from portal.ledger import verify
from portal.notices.models import Happening
from portal.orders import replacing
from portal.orders.commands import ConfirmOrder
from portal.orders.models import Order
from portal.orders.other_amount import AnswerAmount
from portal.orders.second_transfer import AddTransfer
from portal.orders.service import AmountDiffers
from portal.parties.models import Trader
from portal.requisites.models import Requisite
from portal.treasury import money_out
from tests import factories as f
from tests.disputes import acts


@pytest.fixture
def cast(file_app: Flask) -> f.Cast:
    made = f.new_cast()
    made.requisite(made.trader())
    return made


@pytest.fixture(autouse=True)
def _the_books_hold(cast: f.Cast):
    yield
    f.work_off("settle_order")
    with f.look() as session:
        session.rollback()
        assert verify.run(session).differences == []


def expired(cast: f.Cast, amount: str = "1500.00") -> Order:
    return f.expire(f.assigned_payin(cast, amount))


def confirmed(order: Order, received: str | None = None, **more: object) -> Order:
    """By its trader, on the requisite it ended on."""
    last = f.assignments_of(order)[-1]
    with f.act() as session:
        return confirming.confirm(session, f.as_trader(last.trader_id), ConfirmOrder(
            order_id=order.public_id, assignment_id=last.public_id, received=received or order.amount_to_pay.text,
            **more))


def claimed(cast: f.Cast, order: Order) -> Dispute:
    return acts.open_by(cast.customer(order), order, "paid_late", "Paid at noon")


def open_one(order: Order) -> Dispute:
    with f.look() as session:
        return session.query(Dispute).filter(Dispute.order_id == order.id).one()


def without_collateral(cast: f.Cast) -> None:
    f.spend(cast.traders[0], f.trader_available(cast.traders[0]))


def counted(cast: f.Cast) -> tuple[int, int, int]:
    with f.look() as session:
        found = session.query(Requisite).filter(Requisite.trader_id == cast.traders[0].id).one()
        return found.open_orders, found.day_count, found.day_used_minor


def test_a_payer_claims_it_and_the_trader_finds_it(cast: f.Cast) -> None:
    order = expired(cast)
    assert counted(cast) == (0, 0, 0)
    dispute = claimed(cast, order)
    assert (f.fresh(order).status, dispute.waits_for) == ("expired", "trader"), "until it is found, nothing has changed"
    acts.give_in(f.as_trader(cast.traders[0]), dispute)
    found = f.fresh(order)
    assert (found.status, found.late, found.exactness, found.ended_at) == ("confirmed", True, "exact", None)
    assert counted(cast) == (0, 1, 150000), "limits are counted again, and the slot is free"
    f.work_off("settle_order")
    assert f.fresh(order).status == "completed"
    assert f.store_available(cast.store).text == "15.896739"
    assert f.fresh(dispute).outcome == "complete"
    assert [step for step, _ in f.fresh(order).steps][-4:] == [
        "payin.expired", "payin.assigned", "payin.confirmed", "payin.completed"]


def test_the_trader_says_so_before_anybody_claims(cast: f.Cast) -> None:
    order = f.assigned_payin(cast)
    f.cancel(cast.customer(order), order)
    assert confirmed(order).status == "confirmed"
    other = expired(cast, "1600.00")
    with pytest.raises(AmountDiffers):
        confirmed(other, "1000.00")
    with clock.moved(timedelta(days=2)), pytest.raises(InvalidTransition):
        confirmed(other)
    waits = confirmed(other, "1700.00", differs=True)
    assert (waits.status, waits.waits_for) == ("disputed", "staff"), "more than was ordered is staff's to decide"
    acts.decided(other, "complete", "1700.00")
    f.work_off("settle_order")
    assert f.fresh(other).amount_received.text == "1700.00"


def test_nobody_confirms_in_the_traders_place_alone(cast: f.Cast) -> None:
    """One of the staff could have taken a trader's collateral for an order that nobody paid."""
    order = expired(cast)
    with pytest.raises(InvalidTransition):
        f.confirm(f.staff("admin"), order, assignment_id=f.assignments_of(order)[-1].public_id)
    claimed(cast, order)
    approval = acts.ask(order, "complete")
    assert f.fresh(order).status == "expired"
    acts.agree(approval)
    assert (f.fresh(order).status, f.fresh(order).late) == ("confirmed", True)


def test_the_trader_finds_nothing_and_staff_leave_it_closed(cast: f.Cast) -> None:
    order = expired(cast)
    dispute = claimed(cast, order)
    acts.say(f.as_trader(cast.traders[0]), dispute, "Nothing came")
    acts.decided(order, "stands")
    assert (f.fresh(order).status, f.fresh(dispute).outcome) == ("expired", "stands")
    with pytest.raises(NothingToDispute):
        claimed(cast, order)  # it was looked for once


def test_without_collateral_it_stays_open_and_stops_the_trader(cast: f.Cast) -> None:
    order = expired(cast)
    dispute = claimed(cast, order)
    without_collateral(cast)
    acts.give_in(f.as_trader(cast.traders[0]), dispute)
    waiting = f.fresh(dispute)
    assert (f.fresh(order).status, waiting.unsecured, waiting.waits_for) == ("expired", True, "staff")
    assert f.fresh(cast.traders[0]).unsecured == 1
    with f.look() as session:
        first = queries.running(session, f.staff(), waits_for=["staff"])
        assert waiting.answer_by is not None, "without a deadline it stood last for ever, and nobody was reminded"
        assert [one.id for one in first if one.id == waiting.id] == [waiting.id]
        assert first == sorted(first, key=lambda one: (one.answer_by, one.id))
    with clock.moved(reasons.ANSWER_FOR[reasons.Side.STAFF] - timedelta(hours=1)):
        with f.act() as session:
            reminders.remind(session)
        with f.look() as session:
            said = session.scalars(select(Happening).where(Happening.event == "dispute.deadline")).all()
            assert [one.audience for one in said if one.facts["dispute"] == waiting.public_id] == ["staff"]
    f.deposit_to(f.ledger.trader_available(cast.traders[0].id, "USDT", True), "500.000000")
    assert f.found(f.create_payin(cast, "1700.00").answer["id"]).status == "new"
    f.work_off("match_order")
    with f.look() as session:
        assert session.query(Order).filter(Order.amount_minor == 170000).one().status == "retrying", "no new orders"
    with f.look() as session:
        assert [type(one) for one in money_out.stops(session, session.get_one(Trader, cast.traders[0].id))] == [
            money_out.Unsecured], "and no money leaves him"
    assert confirmed(order).status == "confirmed", "topped up, it goes on"
    assert f.fresh(cast.traders[0]).unsecured == 0
    assert f.fresh(dispute).outcome == "complete"


def test_a_trader_without_collateral_who_reports_it_himself(cast: f.Cast) -> None:
    order = expired(cast)
    without_collateral(cast)
    assert confirmed(order).status == "expired"
    assert open_one(order).unsecured
    confirmed(order)  # harmless twice
    with f.look() as session:
        assert session.get_one(Trader, cast.traders[0].id).unsecured == 1
    acts.decided(order, "stands")
    assert f.fresh(cast.traders[0]).unsecured == 0


def test_what_cannot_be_claimed(cast: f.Cast) -> None:
    order = expired(cast)
    with clock.moved(timedelta(days=2)), pytest.raises(NothingToDispute):
        claimed(cast, order)
    with clock.moved(timedelta(days=2)):
        assert acts.open_by(f.staff(), order, "paid_late"), "staff may always"
    with pytest.raises(Invalid):
        acts.open_by(cast.key, expired(cast, "1800.00"), "not_confirmed")
    early = f.found(f.create_payin(cast, "1900.00").answer["id"])
    f.cancel(cast.key, early)
    with pytest.raises(NothingToDispute):
        claimed(cast, early)  # nobody was told where to pay


class TestWhereItCame:
    """The payer was given more than one requisite; the money is with whoever says so, or where staff find it."""

    @pytest.fixture
    def two(self, cast: f.Cast) -> f.Cast:
        cast.requisite(cast.trader())
        return cast

    def exchanged(self, cast: f.Cast) -> Order:
        order = f.assigned_payin(cast)
        with f.act() as session:
            replacing.replace(session, cast.customer(order), replacing.ReplaceOrder(
                order_id=order.public_id, instead_of=f.assignment_of(order).public_id))
        return f.fresh(order)

    def test_staff_settle_a_disputed_one_where_the_payer_had_paid_first(self, two: f.Cast) -> None:
        order = self.exchanged(two)
        first, second = f.assignments_of(order)
        f.mark_paid(two.customer(order), order)
        acts.open_by(two.customer(order), order, "not_confirmed", "I paid to the first card")
        with f.look() as session:
            assert [one.id for one in decisions.places(session, session.get_one(Order, order.id))] == [
                second.id, first.id]
        acts.decided(order, "complete", at=first.public_id)
        assert f.fresh(order).status == "confirmed"
        f.work_off("settle_order")
        held, paid = (f.trader_held(trader).text for trader in two.traders), f.fresh(order)
        assert (paid.status, paid.assignment_id, list(held)) == ("completed", first.id, ["0.000000", "0.000000"])
        assert [one.end_reason for one in f.assignments_of(order)] == ["settled", "replaced"]

    def test_what_is_previewed_is_posted_also_for_the_one_that_is_let_go(self, two: f.Cast) -> None:
        order = self.exchanged(two)
        f.mark_paid(two.customer(order), order)
        acts.open_by(two.customer(order), order, "not_confirmed", "Paid")
        with f.look() as session:
            kinds = [one.kind for one in decisions.foreseen(session, session.get_one(Order, order.id))["cancel"]]
        assert kinds == ["payin_release", "payin_release"]

    def test_another_orders_attempt_is_no_choice(self, two: f.Cast) -> None:
        order, other = self.exchanged(two), f.assigned_payin(two, "1600.00")
        f.mark_paid(two.customer(order), order)
        acts.open_by(two.customer(order), order, "not_confirmed", "Paid")
        with pytest.raises(Invalid):
            acts.ask(order, "complete", at=f.assignment_of(other).public_id)

    @pytest.mark.parametrize("which", [0, 1])
    def test_after_the_end_either_trader_may_have_it(self, two: f.Cast, which: int) -> None:
        order = self.exchanged(two)
        f.cancel(two.customer(order), order)
        has_it = f.assignments_of(order)[which]
        with f.act() as session:
            confirming.confirm(session, f.as_trader(has_it.trader_id), ConfirmOrder(
                order_id=order.public_id, assignment_id=has_it.public_id, received=order.amount_to_pay.text))
        assert f.assignments_of(order)[-1].requisite_id == has_it.requisite_id
        assert f.fresh(order).status == "confirmed"

    def test_the_second_declined_and_the_first_is_claimed(self, two: f.Cast) -> None:
        """The newest attempt was the declined one: nobody could claim the first, which had been payable."""
        order = self.exchanged(two)
        first = f.assignments_of(order)[0]
        f.decline(f.its_trader(order), order)
        f.cancel(two.customer(order), order)
        dispute = claimed(two, order)
        assert dispute.trader_id == first.trader_id
        acts.give_in(f.as_trader(first.trader_id), dispute)
        assert f.fresh(order).status == "confirmed"

    @pytest.mark.parametrize("claim_first", [False, True])
    def test_a_trader_without_collateral_stops_nobody_but_himself(self, two: f.Cast, claim_first: bool) -> None:
        """The other trader was stopped by this one's word about his own requisite."""
        order = self.exchanged(two)
        first, second = f.assignments_of(order)
        f.cancel(two.customer(order), order)
        if claim_first:
            assert claimed(two, order).trader_id == second.trader_id
        broke, other = (next(one for one in two.traders if one.id == of.trader_id) for of in (first, second))
        f.spend(broke, f.trader_available(broke))
        with f.act() as session:
            confirming.confirm(session, f.as_trader(broke.id), ConfirmOrder(
                order_id=order.public_id, assignment_id=first.public_id, received=order.amount_to_pay.text))
        assert f.fresh(other).unsecured == 0
        assert f.fresh(broke).unsecured == (0 if claim_first else 1)
        assert f.fresh(order).needs_attention_at is not None, "staff are called"


def test_a_claim_is_over_when_the_rest_came_in_a_second_transfer(cast: f.Cast) -> None:
    order = expired(cast)
    f.change(cast.store, under_policy="ask")
    dispute = claimed(cast, order)
    confirmed(order, "1000.00", differs=True)
    with f.act() as session:
        confirming.add_transfer(session, f.as_trader(cast.traders[0]), AddTransfer(
            order_id=order.public_id, received="500.00", before="1000.00"))
    assert (f.fresh(order).status, f.fresh(dispute).outcome) == ("confirmed", "complete")


def test_who_has_the_money_without_collateral_is_stopped_when_staff_find_it(cast: f.Cast) -> None:
    """Only his own word stopped him: two of the staff were refused, and he went on."""
    order = expired(cast)
    dispute = claimed(cast, order)
    without_collateral(cast)
    approval = acts.ask(order, "complete")
    assert (f.fresh(dispute).unsecured, f.fresh(cast.traders[0]).unsecured) == (True, 1)
    with pytest.raises(f.ledger.InsufficientFunds):
        acts.agree(approval)
    f.deposit_to(f.ledger.trader_available(cast.traders[0].id, "USDT", True), "500.000000")
    acts.agree(approval)
    assert (f.fresh(order).status, f.fresh(cast.traders[0]).unsecured) == ("confirmed", 0)


@pytest.mark.parametrize("word", ["yes", "no"])
def test_a_claim_is_over_with_the_stores_word_on_less(cast: f.Cast, word: str) -> None:
    """It stayed open beside a completed order."""
    order = expired(cast)
    f.change(cast.store, under_policy="ask")
    dispute = claimed(cast, order)
    assert confirmed(order, "1000.00", differs=True).waits_for == "store"
    with f.act() as session:
        confirming.answer_amount(session, cast.owner, AnswerAmount(order_id=order.public_id, answer=word))
    assert (f.fresh(order).status, f.fresh(dispute).outcome) == (
        ("confirmed", "adjust") if word == "yes" else ("disputed", None))
