"""A decision was wrong: within its window it is taken back by another dispute, by two, and the books hold."""
from datetime import timedelta

import pytest
from flask import Flask

from portal import ledger
from portal.core import clock
from portal.core.db import reader
from portal.core.errors import Denied
from portal.disputes.service import COMPLETED_FOR, NothingToDispute
from portal.ledger import InsufficientFunds, verify
from tests import factories as f
from tests.disputes import acts


@pytest.fixture
def cast(file_app: Flask) -> f.Cast:
    made = f.new_cast()
    made.requisite(made.trader(), payout=True)
    return made


@pytest.fixture(autouse=True)
def _the_books_hold(cast: f.Cast):
    yield
    session = reader()
    session.rollback()
    assert verify.run(session).differences == []


def test_a_payin_cancelled_by_a_decision_is_claimed_anew_and_settled(cast: f.Cast) -> None:
    order = f.paid_payin(cast)
    acts.open_by(f.its_trader(order), order, "not_received")
    acts.decided(order, "cancel")
    with pytest.raises(NothingToDispute):
        acts.open_by(cast.customer(order), order, "paid_late")  # he was heard
    again = acts.open_by(f.staff(), order, "paid_late", "It stands on his statement")
    acts.decided(order, "complete")
    f.work_off("settle_order")
    assert (f.fresh(order).status, f.fresh(again).outcome) == ("completed", "complete")
    assert f.store_available(cast.store).text == "15.896739"
    assert f.trader_held(cast.traders[0]).minor == 0


def test_a_payin_completed_by_a_decision_is_disputed_again_and_taken_back(cast: f.Cast) -> None:
    before = f.trader_available(cast.traders[0])
    order = f.paid_payin(cast)
    acts.open_by(cast.customer(order), order, "not_confirmed")
    acts.decided(order, "complete")
    f.work_off("settle_order")
    second = acts.open_by(f.as_trader(cast.traders[0]), order, "taken_back")
    acts.decided(order, "correct", "0")
    third = acts.open_by(cast.key, order, "wrong_amount")
    acts.decided(order, "stands")
    assert [f.fresh(one).outcome for one in (second, third)] == ["correct", "stands"]
    assert (f.store_available(cast.store).minor, f.trader_available(cast.traders[0])) == (0, before)


@pytest.mark.parametrize(("amount", "outcome"), [(None, "complete"), ("750.00", "adjust")])
def test_a_payout_cancelled_by_a_decision_was_sent_after_all(
        cast: f.Cast, amount: str | None, outcome: str) -> None:
    before = f.trader_available(cast.traders[0]).minor
    order = f.paid_payout(cast)
    acts.open_by(cast.owner, order, "not_arrived")
    acts.decided(order, "cancel")
    given_back = f.store_available(cast.store).minor
    again = acts.open_by(f.staff(), order, "sent_after_all", "The recipient has it")
    for side in (f.as_trader(cast.traders[0]), cast.owner):
        with pytest.raises(Denied):
            acts.give_in(side, again)
    acts.decided(order, "complete", amount)
    f.work_off("settle_order")
    settled = f.fresh(order)
    assert (settled.status, f.fresh(again).outcome) == ("completed", outcome)
    assert given_back - f.store_available(cast.store).minor == (
        settled.final_settlement_minor + settled.final_fee_minor)
    assert f.store_held(cast.store).minor == 0
    assert f.trader_available(cast.traders[0]).minor - before == (
        settled.final_settlement_minor + settled.final_reward_minor)


def test_a_cancelled_payout_whose_money_is_spent_stays_cancelled_until_it_is_there(cast: f.Cast) -> None:
    order = f.paid_payout(cast)
    acts.open_by(cast.owner, order, "not_arrived")
    acts.decided(order, "cancel")
    spent = f.store_available(cast.store)
    acts.open_by(f.staff(), order, "sent_after_all")
    approval = acts.ask(order, "complete")
    f.spend(cast.store, spent)
    with pytest.raises(InsufficientFunds):
        acts.agree(approval)
    assert f.fresh(order).status == "cancelled"
    f.deposit_to(ledger.store_available(cast.store.id, "USDT", True), spent.text)
    acts.agree(approval)
    f.work_off("settle_order")
    assert f.fresh(order).status == "completed"


def test_who_takes_a_cancelled_payout_up_and_until_when(cast: f.Cast) -> None:
    order = f.paid_payout(cast)
    acts.open_by(cast.owner, order, "not_arrived")
    acts.decided(order, "cancel")
    for side in (f.as_trader(cast.traders[0]), cast.owner):
        with pytest.raises(NothingToDispute):
            acts.open_by(side, order, "sent_after_all")
    with clock.moved(COMPLETED_FOR + timedelta(minutes=1)), pytest.raises(NothingToDispute):
        acts.open_by(f.staff(), order, "sent_after_all")
    opener = f.staff("admin")
    acts.open_by(opener, order, "sent_after_all")
    with pytest.raises(Denied):
        acts.agree(acts.ask(order, "complete"), by=opener)
    assert f.fresh(order).status == "cancelled"
