"""Another amount than ordered: under, over, and set right afterwards; the parts always add up and the books hold."""
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal import approvals, ledger
from portal.approvals import kinds
from portal.core import clock
from portal.core.db import reader
from portal.core.errors import Denied, PortalError
from portal.core.jobs import Job
from portal.core.money import Money, convert
from portal.disputes import decisions
from portal.disputes.commands import DecideDispute
from portal.ledger import claims, verify
from portal.orders import corrections, other_amount, service
from portal.orders.commands import ConfirmOrder
from portal.orders.models import Order, OrderEvent
from tests import factories as f


def report(order: Order, received: str, actor: object = None, differs: bool = True) -> Order:
    with f.act() as session:
        return service.confirm(session, actor or f.its_trader(order), ConfirmOrder(
            order_id=order.public_id, assignment_id=f.assignment_of(order).public_id, received=received,
            differs=differs, reason=None if actor is None else "I looked"))


def answered(cast: f.Cast, order: Order, answer: str) -> Order:
    with f.act() as session:
        return other_amount.answer(session, cast.owner, other_amount.AnswerAmount(
            order_id=order.public_id, answer=answer))


def decide(approval: approvals.Approval, decision: str = "approve") -> None:
    with f.act() as session:
        approvals.decide(session, f.staff("super_admin"), approvals.DecideApproval(
            approval_id=approval.public_id, decision=decision, reason="checked"))


def asked(order: Order, outcome: str = "complete", amount: str | None = None) -> approvals.Approval:
    with f.act() as session:
        return decisions.ask(session, f.staff("admin"), DecideDispute(
            order_id=order.public_id, outcome=outcome, amount=amount, reason="bank statement seen"))


def corrected(order: Order, amount: str) -> approvals.Approval:
    with f.act() as session:
        return corrections.ask(session, f.staff("admin"), corrections.AskCorrection(
            order_id=order.public_id, amount=amount, reason="bank statement seen"))


def of(cast: f.Cast) -> tuple[int, int, int, int]:
    """Store available, trader available, trader held, what the desk earned and laid out."""
    trader = cast.traders[0]
    with f.look() as session:
        desk = sum(ledger.balance(session, account("USDT", True)).minor for account in (ledger.FEES, ledger.SUSPENSE))
    return (f.store_available(cast.store).minor, f.trader_available(trader).minor, f.trader_held(trader).minor, desk)


def settled(cast: f.Cast, order: Order, before: tuple[int, int, int, int], received: str) -> Order:
    """What moved is what the frozen rate, tariff and reward make of `received`."""
    f.work_off("settle_order")
    found = f.fresh(order)
    amount = convert(Money.parse(received, "RUB"), found.rate, "USDT")
    fee, reward = amount.share(250), amount.share(120)
    assert (found.status, found.amount_received) == ("completed", Money.parse(received, "RUB"))
    assert (found.settlement, found.fee, found.final_reward) == (amount, fee, reward)
    moved = tuple(now - then for now, then in zip(of(cast), before, strict=True))
    assert moved == ((amount - fee).minor, (reward - amount).minor, 0, (fee - reward).minor)
    return found


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    f.work_off("settle_order")  # what other tests left
    made = f.new_cast(fee_bps=250)
    made.requisite(made.trader(reward_bps=120))
    return made


def with_policy(cast: f.Cast, policy: str) -> None:
    f.change(cast.store, under_policy=policy)


def holds() -> None:
    session = reader()
    session.rollback()
    assert verify.run(session).differences == []


def test_it_is_asked_about_first(cast: f.Cast) -> None:
    order = f.paid_payin(cast, "1500.00")
    with pytest.raises(service.AmountDiffers) as refused:
        report(order, "1400.00", differs=False)
    assert refused.value.details == {"expected": "1500.00", "received": "1400.00"}
    assert f.fresh(order).status == "paid"
    report(order, "1500.00")  # said to differ, and does not
    assert f.fresh(order).exactness == "exact"


def test_less_is_settled_at_once_where_the_store_takes_it(cast: f.Cast) -> None:
    with_policy(cast, "accept")
    before, order = of(cast), f.paid_payin(cast, "1500.00")
    assert report(order, "1499.37").status == "confirmed"
    assert settled(cast, order, before, "1499.37").exactness == "under"


def test_less_waits_for_the_store_and_its_yes_settles_it(cast: f.Cast) -> None:
    before, order = of(cast), f.assigned_payin(cast, "1500.00")
    reported = report(order, "1000.00")
    assert (reported.status, reported.waits_for, reported.exactness) == ("disputed", "store", "under")
    f.work_off("expire_order")
    assert f.fresh(order).status == "disputed", "no clock runs"
    assert answered(cast, order, "yes").status == "confirmed"
    settled(cast, order, before, "1000.00")
    with pytest.raises(other_amount.NotAsked):
        answered(cast, order, "yes")


def test_its_no_leaves_it_to_staff_who_cancel_it(cast: f.Cast) -> None:
    before, order = of(cast), f.paid_payin(cast, "1500.00")
    report(order, "1000.00")
    answered(cast, order, "no")
    assert f.fresh(order).waits_for == "staff"
    decide(asked(order, "cancel"))
    assert (f.fresh(order).status, of(cast)) == ("cancelled", before)


def test_a_silent_store_leaves_it_to_staff_after_a_day(cast: f.Cast) -> None:
    order = f.paid_payin(cast, "1500.00")
    report(order, "1000.00")
    with clock.moved(other_amount.ANSWER_FOR - timedelta(minutes=1)):
        f.work_off(other_amount.DEADLINE)
    assert f.fresh(order).waits_for == "store"
    with clock.moved(other_amount.ANSWER_FOR):
        for _ in range(2):
            f.work_off(other_amount.DEADLINE)
        left = f.fresh(order)
        assert (left.status, left.waits_for, left.needs_attention_at >= order.created_at + other_amount.ANSWER_FOR) == (
            "disputed", "staff", True)
        with f.look() as session:
            steps = session.scalars(select(OrderEvent).where(OrderEvent.order_id == order.id)).all()
        assert [one.type for one in steps].count("payin.unconfirmed") == 1
        with pytest.raises(other_amount.NotAsked):
            answered(cast, order, "yes")
        decide(asked(order, amount="1000.00"))
        assert f.fresh(order).status == "confirmed"


def test_an_answer_in_time_stops_the_clock(cast: f.Cast) -> None:
    order = f.paid_payin(cast, "1500.00")
    report(order, "1000.00")
    answered(cast, order, "yes")
    with f.look() as session:
        assert session.scalar(select(Job.id).where(
            Job.kind == other_amount.DEADLINE, Job.unique_key == str(order.id))) is None
    other = f.paid_payin(cast, "1600.00")
    report(other, "1000.00")
    decide(asked(other, "cancel"))
    with clock.moved(other_amount.ANSWER_FOR):
        f.work_off(other_amount.DEADLINE)
    assert f.fresh(other).status == "cancelled", "staff decided meanwhile"


def test_more_waits_for_staff_and_takes_more_collateral(cast: f.Cast) -> None:
    before, order = of(cast), f.paid_payin(cast, "1500.00")
    assert report(order, "1800.00").waits_for == "staff"
    approval = asked(order, amount="1800.00")
    with f.look() as session:
        kinds = [draft.kind for draft in decisions.drafts(session, approval)]
    assert kinds == ["payin_topup", "payin_settle"]
    decide(approval)
    assert settled(cast, order, before, "1800.00").exactness == "over"


def test_what_the_preview_showed_is_what_is_posted(cast: f.Cast) -> None:
    order = f.paid_payin(cast, "1500.00")
    report(order, "1800.00")
    approval = asked(order, amount="1800.00")
    with f.look() as session:
        shown = ledger.preview(session, decisions.drafts(session, approval)).moved
    decide(approval)
    f.work_off("settle_order")
    with f.look() as session:
        assert {one.account: one.after for one in shown} == {
            one.account: ledger.balance(session, one.account) for one in shown}


def test_more_than_the_collateral_covers_is_refused_and_nothing_changes(app: Flask) -> None:
    cast = f.new_cast(fee_bps=250)
    cast.requisite(cast.trader(deposit="17.000000", reward_bps=120))
    order = f.paid_payin(cast, "1500.00")
    report(order, "1800.00")
    approval, before = asked(order, amount="1800.00"), of(cast)
    with pytest.raises(ledger.InsufficientFunds):
        decide(approval)
    assert (f.fresh(order).status, of(cast)) == ("disputed", before)


def test_staff_may_settle_what_was_ordered_or_another_amount_still(cast: f.Cast) -> None:
    before, order = of(cast), f.paid_payin(cast, "1500.00")
    report(order, "150.00")  # one nought too few
    decide(asked(order, amount="1500.00"))
    assert settled(cast, order, before, "1500.00").exactness == "exact"


def test_an_amount_below_the_fee_is_refused_when_it_is_reported(app: Flask) -> None:
    cast = f.new_cast(fee_bps=250, fee_fixed_minor=1_000_000)
    cast.requisite(cast.trader())
    order = f.paid_payin(cast, "1500.00")
    with pytest.raises(PortalError) as refused:
        report(order, "50.00")
    assert refused.value.code == "amount_below_fee"
    assert f.fresh(order).status == "paid"


def test_two_deciders_decide_once(cast: f.Cast) -> None:
    order = f.paid_payin(cast, "1500.00")
    report(order, "1000.00")
    approval = asked(order, amount="1000.00")
    with pytest.raises(approvals.AlreadyAsked):
        asked(order, "cancel")
    answered(cast, order, "yes")
    with pytest.raises(approvals.StaleApproval):
        decide(approval)


def test_only_staff_decide_and_only_the_store_answers(cast: f.Cast) -> None:
    order = f.paid_payin(cast, "1500.00")
    report(order, "1000.00")
    with pytest.raises(PortalError), f.act() as session:
        other_amount.answer(session, f.staff("super_admin"), other_amount.AnswerAmount(
            order_id=order.public_id, answer="yes"))
    with pytest.raises(Denied), f.act() as session:
        decisions.ask(session, cast.owner, DecideDispute(
            order_id=order.public_id, outcome="cancel", reason="mine"))


@pytest.mark.parametrize("arrived", ["1400.00", "1600.00", "0.01", "0.00"])
def test_a_completed_order_is_set_right(cast: f.Cast, arrived: str) -> None:
    before, order = of(cast), f.completed_payin(cast, "1500.00")
    approval = corrected(order, arrived)
    assert f.fresh(order).amount_received == Money.parse("1500.00", "RUB")
    decide(approval)
    settled(cast, order, before, arrived)
    with f.look() as session:
        assert f.fresh(order).steps[-1][0] == "payin.corrected"
        assert session.scalar(select(claims.Claim.id).where(claims.Claim.reference == approval.id)) is None


def test_what_is_spent_is_claimed_and_new_money_pays_it_first(cast: f.Cast) -> None:
    order = f.completed_payin(cast, "1500.00")
    net = f.store_available(cast.store)
    spent = Money(net.minor - 1_000_000, "USDT")
    f.spend(cast.store, spent)
    decide(corrected(order, "0.00"))
    with f.look() as session:
        owed = claims.owed(session, "store", cast.store.id, "USDT")
    assert (f.store_available(cast.store).minor, owed) == (0, spent)
    with pytest.raises(claims.ClaimOpen), f.look() as session:
        claims.refuse_while_owing(session, "store", cast.store.id, "USDT")
    f.completed_payin(cast, "500.00")
    f.work_off("settle_order")
    with f.look() as session:
        left = claims.owed(session, "store", cast.store.id, "USDT")
    gained = f.completed_payin(cast, "3000.00").net
    assert f.store_available(cast.store) == gained - left
    with f.look() as session:
        assert not claims.owed(session, "store", cast.store.id, "USDT")


def test_the_whole_books_hold_after_all_of_it(fresh_app: Flask) -> None:
    cast = f.new_cast(fee_bps=250)
    cast.requisite(cast.trader(reward_bps=120))
    for policy, ordered, received in (("accept", "1500.00", "1499.37"), ("ask", "1600.00", "1000.00"),
                                      ("return", "1700.00", "1900.00")):
        with_policy(cast, policy)
        order = f.paid_payin(cast, ordered)
        report(order, received)
        if policy == "ask":
            answered(cast, order, "yes")
        if policy == "return":
            decide(asked(order, amount=received))
        f.work_off("settle_order")
        assert f.fresh(order).status == "completed"
    order = f.completed_payin(cast, "1234.56")
    holds()
    for arrived in ("1000.00", "2000.00", "0.00", "1234.56"):
        decide(corrected(order, arrived))
        holds()
    f.spend(cast.store, f.store_available(cast.store))
    decide(corrected(order, "0.00"))
    holds()
    f.completed_payin(cast, "800.00")
    f.completed_payin(cast, "800.00")
    holds()


def test_a_correction_is_as_large_as_what_it_takes_back(cast: f.Cast) -> None:
    """Of 100 ordered and 1,000,000 settled, a correction to 100 counted as one of 100: few enough for one alone."""
    order = f.assigned_payin(cast, "1500.00")
    f.deposit_to(f.ledger.trader_available(cast.traders[0].id, "USDT", True), "500.000000")
    report(order, "9000.00")
    decide(asked(order, amount="9000.00"))
    f.work_off("settle_order")
    assert f.fresh(order).amount_received == f.rub("9000.00")
    with f.look() as session:
        wanted = session.get_one(approvals.Approval, corrected(order, "1500.00").id)
        assert wanted.amount == f.rub("9000.00")


def test_whoever_gains_is_whose_sum_it_is(app: Flask) -> None:
    """By many orders it is still one store or one trader, for limits that count a day."""
    cast = f.new_cast()
    trader = cast.requisite(cast.trader()).trader_id
    store, his = f"store:{cast.store.id}", f"trader:{trader}"
    done = [f.completed_payin(cast, "1500.00") for _ in range(2)]
    quarrels = [report(f.paid_payin(cast, amount), "2800.00") for amount in ("2000.00", "2100.00")]
    found = [corrected(done[0], "1600"), corrected(done[1], "1400"),
             asked(quarrels[0], amount="2800"), asked(quarrels[1], "cancel")]
    with f.look() as session:
        assert [kinds.subject_of(session, one) for one in found] == [store, his, store, his]
    for one in found:
        decide(one)
    with f.look() as session:
        assert [kinds.subject_of(session, one) for one in found] == [store, his, store, his], "once it is done too"
