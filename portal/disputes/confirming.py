"""A payin's money has come: in time, or after its order had ended, whether or not its payer has said so yet; and in
another amount than was ordered, where the store is asked.
"""
from sqlalchemy.orm import Session

from portal import ledger
from portal.core import clock, ids
from portal.core.access import SYSTEM, Actor
from portal.core.lifecycle import InvalidTransition
from portal.disputes import endings, late, queries
from portal.disputes.commands import OpenDispute
from portal.disputes.models import Dispute
from portal.disputes.service import open_dispute
from portal.orders import attention, attention_cases, other_amount, reopening, second_transfer, service
from portal.orders import queries as orders
from portal.orders.commands import ConfirmOrder
from portal.orders.models import Assignment, Order
from portal.orders.reopening import LATE
from portal.orders.states import Action, Status

UNCOVERED = "Its trader says that the money came after the end, and has no collateral for it."


def confirm(session: Session, actor: Actor, command: ConfirmOrder) -> Order:
    """As `orders.service.confirm`. Of an order that has ended without money: it is reopened and confirmed, and the
    claim about it is over; its trader may say so within the late window, or as long as a claim runs.

    Where the trader's collateral does not cover it, the order stays as it is and an unsecured dispute about his attempt
    stands open. Where one about another's runs, that trader is none the worse for it: staff are called.
    Raises what that raises.
    """
    order = orders.lock(session, actor, command.order_id)
    if order.status not in LATE:
        return service.confirm(session, actor, command)
    dispute = queries.open_of(session, order.id, lock=True)
    if dispute is None and reopening.claimable_until(session, order) <= clock.now():
        raise InvalidTransition(status=order.status, action=str(Action.REOPEN))
    try:
        order = service.confirm(session, actor, command)
    except ledger.InsufficientFunds:
        his = session.get_one(Assignment, ids.parse("asg", command.assignment_id))
        dispute = dispute or open_dispute(session, SYSTEM, OpenDispute(
            order_id=order.public_id, reason="paid_late", text=UNCOVERED), about=his)
        if dispute.trader_id == his.trader_id:
            late.unsecured(session, order, dispute)
        else:
            attention_cases.call(session, order, attention_cases.BESIDE)
            attention.tell(session, order, attention.BESIDE, staff_only=True)
        return order
    _over(session, actor, order, dispute, ground=command.reason)
    return order


def answer_amount(session: Session, actor: Actor, command: other_amount.AnswerAmount) -> Order:
    """As `orders.other_amount.answer`; a claim that ran about the order is over with it. Raises what that raises."""
    order = other_amount.answer(session, actor, command)
    _over(session, actor, order, queries.open_of(session, order.id, lock=True), ground=command.reason)
    return order


def add_transfer(session: Session, actor: Actor, command: second_transfer.AddTransfer) -> Order:
    """As `orders.second_transfer.add`; likewise. Raises what that raises."""
    order = second_transfer.add(session, actor, command)
    _over(session, actor, order, queries.open_of(session, order.id, lock=True), ground=None)
    return order


def _over(session: Session, actor: Actor, order: Order, dispute: Dispute | None, *, ground: str | None) -> None:
    """Unless another amount than was ordered waits for a word still."""
    if dispute is not None and order.status != Status.DISPUTED:
        endings.decide(session, dispute, order, outcome="complete" if order.exactness == "exact" else "adjust",
                       ground=ground, by=actor.name)
