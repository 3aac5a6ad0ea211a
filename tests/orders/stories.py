"""Lives of orders as real commands lead them, for `test_every_state`. Each gives its order after each act.

Where both directions live alike, one story serves both; `d` says which.
"""
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from portal import approvals, ledger
from portal.core import clock
from portal.disputes import confirming, endings
from portal.orders import other_amount, replacing
from portal.orders.commands import ConfirmOrder
from portal.orders.models import Order
from portal.orders.states import Direction
from tests import factories as f
from tests.disputes import acts
from tests.orders import test_cancel_paid as cancel_paid
from tests.orders.test_other_amount import answered, corrected, decide, report
from tests.orders.test_second_transfer import add
from tests.risk import rulebook as risk

Told = Iterator[Order]
HOUR = timedelta(hours=1)


def settled_and_corrected(cast: f.Cast, d: Direction) -> Told:
    order = new(cast, d)
    yield order
    f.work_off()
    yield order
    if d is Direction.PAYIN:
        f.mark_paid(cast.customer(order), order)
        yield order
        f.confirm(f.its_trader(order), order)
    else:
        f.accept(f.its_trader(order), order)
        yield order
        f.pay(f.its_trader(order), order)
        yield order
        f.agree(cast.key, order)
    yield order
    f.work_off("settle_order")
    yield order
    approval = corrected(order, "1400.00")
    yield order
    decide(approval)
    yield order


def confirmed_where_its_payer_had_it_exchanged(cast: f.Cast, d: Direction) -> Told:
    """The money came on the first requisite; the second is let go."""
    cast.requisite()
    order = cast.order()
    yield order
    f.work_off()
    yield order
    first = f.assignment_of(order)
    exchange(cast, order)
    yield order
    f.confirm(f.as_trader(first.trader_id), order, assignment_id=first.public_id)
    yield order


def exchanged_and_ended(cast: f.Cast, d: Direction) -> Told:
    cast.requisite()
    order = cast.order()
    f.work_off()
    yield order
    exchange(cast, order)
    yield order
    f.cancel(cast.customer(order), order)
    yield order


def the_second_gives_it_back(cast: f.Cast, d: Direction) -> Told:
    """And the first has the money while nobody else is found; `d` is a payin's."""
    cast.requisite()
    order = cast.order()
    f.work_off()
    first = f.assignment_of(order)
    yield order
    exchange(cast, order)
    yield order
    f.decline(f.its_trader(order), order)
    yield order
    f.confirm(f.as_trader(first.trader_id), order, assignment_id=first.public_id)
    yield order


def the_second_gives_it_back_and_nobody_is_found(cast: f.Cast, d: Direction) -> Told:
    cast.requisite()
    order = cast.order()
    f.work_off()
    first = f.assignment_of(order)
    yield order
    exchange(cast, order)
    yield order
    f.decline(f.its_trader(order), order)
    f.work_off()
    yield order
    f.confirm(f.as_trader(first.trader_id), order, assignment_id=first.public_id)
    yield order


def confirmed_before_it_was_claimed(cast: f.Cast, d: Direction) -> Told:
    order = f.assigned_payin(cast)
    yield order
    f.confirm(f.its_trader(order), order)
    yield order


def found_at_the_third_look(cast: f.Cast, d: Direction) -> Told:
    order = new(cast, d, "60000.00")
    f.work_off()
    yield order
    with clock.moved(timedelta(seconds=30)):
        f.work_off()
        yield order
        cast.requisite(max_amount="70000.00", payout=True)
        with clock.moved(timedelta(seconds=60)):
            f.work_off()
            yield order
            f.cancel(cast.owner, order)
            yield order


def never_found(cast: f.Cast, d: Direction) -> Told:
    order = new(cast, d, "60000.00")
    f.work_off()
    yield order
    with clock.moved(HOUR):
        f.work_off()
        yield order


def looked_at_too_late(cast: f.Cast, d: Direction) -> Told:
    order = new(cast, d, "60000.00")
    with clock.moved(HOUR):
        f.work_off()
        yield order


def cancelled_unseen(cast: f.Cast, d: Direction) -> Told:
    order = new(cast, d)
    yield order
    f.cancel(cast.key, order)
    yield order


def cancelled_while_nobody_was_found(cast: f.Cast, d: Direction) -> Told:
    order = new(cast, d, "60000.00")
    f.work_off()
    yield order
    f.cancel(cast.key, order)
    yield order


def cancelled_while_its_payer_could_pay(cast: f.Cast, d: Direction) -> Told:
    """And its money came after all, to the one it had been assigned to."""
    order = f.assigned_payin(cast)
    yield order
    f.cancel(cast.customer(order), order)
    yield order
    confirmed_late(order)
    yield order


def given_back(cast: f.Cast, d: Direction) -> Told:
    order = assigned(cast, d)
    yield order
    f.decline(f.its_trader(order), order)
    yield order


def refused_by_rules(cast: f.Cast, d: Direction) -> Told:
    risk.rule(cast, direction=d)
    order = new(cast, d)
    f.work_off()
    yield order


def looked_at_and_released(cast: f.Cast, d: Direction) -> Told:
    order = reviewed(cast, d)
    yield order
    risk.decide(order, "release")
    yield order


def looked_at_and_refused(cast: f.Cast, d: Direction) -> Told:
    order = reviewed(cast, d)
    yield order
    risk.decide(order, "refuse")
    yield order


def cancelled_in_review(cast: f.Cast, d: Direction) -> Told:
    order = reviewed(cast, d)
    yield order
    f.cancel(cast.key, order)
    yield order


def held_by_a_rule_made_while_it_looked(cast: f.Cast, d: Direction) -> Told:
    """There was no rule at all at its first look, so nobody has judged it; `cast` has the books to itself."""
    order = new(cast, d, "60000.00")
    f.work_off()
    yield order
    risk.rule(cast, verdict="review", direction=d)
    with clock.moved(timedelta(seconds=30)):
        f.work_off()
        yield order


def refused_by_a_rule_made_while_it_looked(cast: f.Cast, d: Direction) -> Told:
    order = new(cast, d, "60000.00")
    f.work_off()
    yield order
    risk.rule(cast, direction=d)
    with clock.moved(timedelta(seconds=30)):
        f.work_off()
        yield order


def called_off(cast: f.Cast, d: Direction) -> Told:
    """Nobody confirmed it: staff are called; the first who ask are refused, then take it back, and then it ends."""
    f.change(cast.store, payout_confirm="store")
    order = paid(cast, d)
    yield order
    with clock.moved(HOUR):
        f.work_off("flag_unconfirmed")
        yield order
        approval = cancel_paid.ask(f.staff(), order)
        yield order
        cancel_paid.decide(f.staff("admin"), approval, "reject")
        yield order
        asker = f.staff()
        approval = cancel_paid.ask(asker, order)
        yield order
        with f.act() as session:
            approvals.take_back(session, asker, approval.public_id)
        yield order
        approval = cancel_paid.ask(f.staff(), order)
        yield order
        cancel_paid.decide(f.staff("admin"), approval)
        yield order


def asked_of_nobody(cast: f.Cast, d: Direction) -> Told:
    """Whether to call it off was decided by none of the staff in time."""
    order = paid(cast, d)
    with clock.moved(HOUR):
        approval = cancel_paid.ask(f.staff(), order)
        yield order
    with clock.moved(approval.expires_at - clock.now() + HOUR):
        with f.act() as session:
            approvals.expire(session)
        yield order


def suspected_once_it_was_paid(cast: f.Cast, d: Direction) -> Told:
    order = assigned(cast, d, customer={"id": "c-1"})
    risk.entry(cast, "customer", "c-1")
    yield order
    pay(cast, order)
    yield order


def let_pass(cast: f.Cast, d: Direction) -> Told:
    """By its payer; the money came after all."""
    order = f.assigned_payin(cast)
    yield order
    f.expire(order)
    yield order
    confirmed_late(order)
    yield order


def let_pass_by_two_traders(cast: f.Cast, d: Direction) -> Told:
    f.change(cast.store, payout_tries_max=2)
    cast.requisite(payout=True)
    order = f.assigned_payout(cast)
    yield order
    with clock.moved(timedelta(seconds=601)):
        f.work_off("expire_order")
        yield order
        f.work_off()
        yield order
        with clock.moved(timedelta(seconds=601)):
            f.work_off("expire_order")
            yield order


def cancelled_before_it_was_accepted(cast: f.Cast, d: Direction) -> Told:
    order = f.assigned_payout(cast)
    yield order
    f.cancel(cast.key, order)
    yield order


def objected_to_before_it_was_paid(cast: f.Cast, d: Direction) -> Told:
    """By its store, and its trader found the money."""
    order = f.assigned_payin(cast)
    yield order
    dispute = acts.open_by(cast.key, order, "not_confirmed")
    yield order
    acts.give_in(f.its_trader(order), dispute)
    yield order


def its_store_finds_it(cast: f.Cast, d: Direction) -> Told:
    order = f.paid_payout(cast)
    yield order
    dispute = acts.open_by(cast.owner, order, "not_arrived")
    yield order
    acts.give_in(cast.owner, dispute)
    yield order


def its_store_gives_in(cast: f.Cast, d: Direction) -> Told:
    order = f.paid_payin(cast)
    yield order
    dispute = acts.open_by(f.its_trader(order), order, "not_received")
    yield order
    acts.give_in(cast.owner, dispute)
    yield order


def its_trader_gives_in(cast: f.Cast, d: Direction) -> Told:
    order = f.paid_payout(cast)
    dispute = acts.open_by(cast.owner, order, "not_arrived")
    yield order
    acts.give_in(f.its_trader(order), dispute)
    yield order


def decided_that_it_counts(cast: f.Cast, d: Direction) -> Told:
    """Opened by its store, and the trader lets his time pass: staff look."""
    order = disputed(cast, d)
    yield order
    with clock.moved(3 * 24 * HOUR):
        f.work_off(endings.DEADLINE)
        yield order
    approval = acts.ask(order, "complete")
    yield order
    acts.agree(approval)
    yield order


def decided_that_a_part_counts(cast: f.Cast, d: Direction) -> Told:
    order = disputed(cast, d)
    yield order
    yield from decided(order, "complete", "750.00")


def decided_that_nothing_counts(cast: f.Cast, d: Direction) -> Told:
    order = disputed(cast, d)
    yield order
    yield from decided(order, "cancel")


def it_was_sent_after_all(cast: f.Cast, d: Direction) -> Told:
    """Said once it had been cancelled by a decision."""
    order = paid(cast, d)
    yield order
    acts.open_by(cast.owner, order, "not_arrived")
    yield order
    yield from decided(order, "cancel")
    acts.open_by(f.staff(), order, "sent_after_all", "The recipient has it")
    yield order
    yield from decided(order, "complete")


def objected_to_when_it_was_settled(cast: f.Cast, d: Direction) -> Told:
    """It stands at first, and is corrected the next time."""
    order = f.confirmed_payin(cast)
    yield order
    f.work_off("settle_order")
    yield order
    acts.open_by(f.as_trader(cast.traders[0]), order, "taken_back")
    yield order
    yield from decided(order, "stands")
    acts.open_by(f.as_trader(cast.traders[0]), order, "taken_back")
    yield order
    yield from decided(order, "correct", "0")


def less_came_and_its_store_takes_it(cast: f.Cast, d: Direction) -> Told:
    order = f.paid_payin(cast)
    report(order, "1000.00")
    yield order
    add(order, "100.00", "1000.00")
    yield order
    answered(cast, order, "yes")
    yield order


def less_came_and_its_store_does_not_take_it(cast: f.Cast, d: Direction) -> Told:
    order = f.paid_payin(cast)
    report(order, "1000.00")
    answered(cast, order, "no")
    yield order


def less_came_and_its_store_says_nothing(cast: f.Cast, d: Direction) -> Told:
    order = f.paid_payin(cast)
    report(order, "1000.00")
    with clock.moved(other_amount.ANSWER_FOR):
        f.work_off(other_amount.DEADLINE)
        yield order


def new(cast: f.Cast, d: Direction, amount: str = "1500.00") -> Order:
    if d is Direction.PAYIN:
        return cast.order(amount)
    f.deposit_to(ledger.store_available(cast.store.id, "USDT", True), "1000.000000")
    return f.create_payout(cast, amount).order


def assigned(cast: f.Cast, d: Direction, **asked: Any) -> Order:
    return f.assigned_payin(cast, **asked) if d is Direction.PAYIN else f.accepted_payout(cast, **asked)


def paid(cast: f.Cast, d: Direction) -> Order:
    return f.paid_payin(cast) if d is Direction.PAYIN else f.paid_payout(cast)


def reviewed(cast: f.Cast, d: Direction) -> Order:
    risk.rule(cast, verdict="review", direction=d)
    order = new(cast, d)
    f.work_off()
    return order


def disputed(cast: f.Cast, d: Direction) -> Order:
    order = paid(cast, d)
    acts.open_by(cast.owner, order, "not_confirmed" if d is Direction.PAYIN else "not_arrived")
    return order


def decided(order: Order, outcome: str, amount: str | None = None) -> Told:
    approval = acts.ask(order, outcome, amount)
    yield order
    acts.agree(approval)
    yield order


def pay(cast: f.Cast, order: Order) -> None:
    if order.direction == Direction.PAYIN:
        f.mark_paid(cast.customer(order), order)
    else:
        f.pay(f.its_trader(order), order)



def exchange(cast: f.Cast, order: Order) -> None:
    with f.act() as session:
        replacing.replace(session, cast.customer(order), replacing.ReplaceOrder(
            order_id=order.public_id, instead_of=f.assignment_of(order).public_id))


def confirmed_late(order: Order) -> None:
    """By its trader, on the requisite it ended on."""
    last = f.assignments_of(order)[-1]
    with f.act() as session:
        confirming.confirm(session, f.as_trader(last.trader_id), ConfirmOrder(
            order_id=order.public_id, assignment_id=last.public_id, received=order.amount_to_pay.text))
