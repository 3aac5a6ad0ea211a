"""What a trader earned is the rewards of what he settled: no collateral that came back, nothing that others booked."""
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal import approvals, ledger
from portal.core import clock
from portal.core.money import Money
from portal.ledger.models import JournalEntry
from portal.orders import corrections
from portal.orders.models import Order
from portal.orders.reading import earned
from portal.treasury import reversals
from portal.treasury.commands import AskReversal
from tests import factories as f
from tests import people
from tests.orders.test_other_amount import report

REWARD = 120  # hundredths of a per cent


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    return one()


def one() -> f.Cast:
    f.work_off("settle_order")  # what other tests left
    made = f.new_cast(fee_bps=250)
    f.change(made.store, under_policy="accept")
    made.requisite(made.trader(reward_bps=REWARD), payout=True)
    return made


def rewards(cast: f.Cast) -> Money:
    """Of the last hour."""
    with f.look() as session:
        return earned.rewards(session, cast.traders[0].id, "USDT", since=clock.now() - timedelta(hours=1))


def agreed(asked: approvals.Approval) -> None:
    with f.act() as session:
        approvals.decide(session, f.staff("super_admin"), approvals.DecideApproval(
            approval_id=asked.public_id, decision="approve", reason="checked"))


def correct(order: Order, amount: str) -> None:
    with f.act() as session:
        asked = corrections.ask(session, f.staff("admin"), corrections.AskCorrection(
            order_id=order.public_id, amount=amount, reason="bank statement seen"))
    agreed(asked)


def settled_on_less(cast: f.Cast) -> Order:
    order = f.paid_payin(cast, "1500.00")
    report(order, "1000.00")
    f.work_off("settle_order")
    return f.fresh(order)


def test_collateral_that_came_back_is_none_of_it(cast: f.Cast) -> None:
    order = settled_on_less(cast)
    with f.look() as session:
        back = session.scalar(text("SELECT sum(p.amount_minor) FROM postings p"
                                   " JOIN journal_entries e ON e.id = p.entry_id"
                                   " JOIN accounts a ON a.id = p.credit_id AND a.owner_kind = 'trader'"
                                   " WHERE e.kind = 'payin_settle' AND e.reference = :order"), {"order": order.id})
    assert back > order.final_reward.minor, "what he did not have to stand in for came with it"
    assert rewards(cast) == order.final_reward == order.settlement.share(REWARD)


def test_payouts_count_as_payins_do(cast: f.Cast) -> None:
    payin, payout = settled_on_less(cast), f.paid_payout(cast)
    f.agree(cast.key, payout)
    f.work_off("settle_order")
    done = f.fresh(payout)
    assert done.final_reward
    assert rewards(cast) == payin.final_reward + done.final_reward


def test_a_correction_of_today_s_order_is_in_it_once(cast: f.Cast) -> None:
    order = settled_on_less(cast)
    correct(order, "1300.00")
    assert f.fresh(order).final_reward > order.final_reward
    assert rewards(cast) == f.fresh(order).final_reward


@pytest.mark.parametrize("spent", [False, True])
def test_a_correction_of_yesterday_s_counts_today_by_its_difference(app: Flask, spent: bool) -> None:
    """Also where he has spent what he gives back, so that no posting moves his account."""
    with clock.moved(timedelta(days=-1)):
        cast = one()
        order = f.completed_payin(cast, "1500.00")
    assert rewards(cast).minor == 0, "yesterday's, and nothing was posted since"
    if spent:
        f.spend(cast.traders[0], f.trader_available(cast.traders[0]))
    correct(order, "1800.00")
    difference = f.fresh(order).final_reward - order.final_reward
    assert difference.minor > 0
    assert rewards(cast) == difference
    correct(order, "900.00")
    assert rewards(cast) == f.fresh(order).final_reward - order.final_reward
    assert rewards(cast).minor < 0


def test_what_others_book_is_none_of_it(cast: f.Cast) -> None:
    order = settled_on_less(cast)
    f.deposit_to(ledger.trader_available(cast.traders[0].id, "USDT", True), "7.000000")
    with f.look() as session:
        entry = session.scalars(select(JournalEntry).order_by(JournalEntry.id.desc()).limit(1)).one()
    with f.act() as session:
        asked = reversals.ask(session, f.staff("super_admin"), AskReversal(entry_id=entry.id, reason="not his"))
    with f.act() as session:
        approvals.decide(session, f.staff("admin"), approvals.DecideApproval(
            approval_id=asked.public_id, decision="approve", reason="checked"))
    assert rewards(cast) == order.final_reward


def test_his_page_says_it(app: Flask, cast: f.Cast) -> None:
    noon = clock.midnight_after(clock.today()) + timedelta(hours=12)
    with clock.moved(noon - clock.now()):
        order = settled_on_less(cast)
        page = people.seat(app, people.person("trader", trader_id=cast.traders[0].id)).get("/trader/balance").text
    today = page[page.index("Earned today"):page.index("Earned this month")]
    assert order.final_reward.text[:4] in today
