"""The way out of `paid`: the payer said that he paid, nobody ever saw the money, and two of the staff end it."""
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy.orm import Session

from portal import approvals, ledger
from portal.approvals import Approval
from portal.core import clock, ids, jobs
from portal.core.access import Actor, Permission
from portal.core.errors import Conflict, Denied
from portal.core.lifecycle import InvalidTransition
from portal.orders import queries
from portal.orders.commands import OrderCommand
from portal.orders.corrections import gainer
from portal.orders.matching import reservations
from portal.orders.models import Assignment, Order
from portal.orders.states import Action, Status
from portal.orders.steps import Steps
from portal.parties.models import Trader

KIND = "order_cancellation"


class StillToBeConfirmed(Conflict):
    """The trader still has time to confirm this payment. Cancel it once that is over."""

    code = "still_to_be_confirmed"


class AskCallOff(OrderCommand):
    """Cancel a payin that its payer says is paid."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


def ask(session: Session, actor: Actor, command: AskCallOff) -> Approval:
    """Put it before a second person; nothing changes yet, and the trader may still confirm.

    Raises NotFound, Denied, InvalidTransition, StillToBeConfirmed, AlreadyAsked.
    """
    order = queries.lock(session, actor, command.order_id)
    if not (actor.is_staff and actor.may(Permission.ORDER_CANCEL_ANY)):
        raise Denied()
    assignment = _given_up(session, order)
    trader = session.get_one(Trader, assignment.trader_id)
    return approvals.ask_once(
        session, actor, kind=KIND, target_kind="order", target_id=order.id, reason=command.reason,
        before=_standing(order, assignment),
        after={"status": str(Status.CANCELLED), "external_id": order.external_id, "trader": trader.name,
               "currency": order.currency, "amount": order.amount_to_pay.text,
               "collateral": str(assignment.hold)})


def apply(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees: the collateral is the trader's again, the store is told that the payin is cancelled.

    Raises StaleApproval where it was confirmed, or went elsewhere, meanwhile.
    """
    [order] = queries.lock_many(session, [UUID(approval.target_id)]).values()
    assignment = queries.current_assignment(session, order)
    if assignment is None or stale(session, approval):
        raise approvals.StaleApproval()
    steps = Steps(session, actor)
    steps.take(order, Action.CALL_OFF, reason=approval.reason, details={
        "approval": approval.public_id, "asked_by": approval.asked_name, "assignment": assignment.public_id})
    order.assignment_id = None
    reservations.release(session, [(order, assignment)], reason=reservations.CANCELLED)
    steps.write()
    jobs.cancel(session, "expire_order", str(assignment.id))
    for kind in ("flag_unconfirmed", "confirm_payout"):
        jobs.cancel(session, kind, str(order.id))


def drafts(session: Session, approval: Approval) -> list[ledger.Draft]:
    """What approving it would post; nothing where it went elsewhere since."""
    order = session.get_one(Order, UUID(approval.target_id))
    assignment = queries.current_assignment(session, order)
    if assignment is None or stale(session, approval):
        return []
    return reservations.foreseen(session, order, assignment)


def stale(session: Session, approval: Approval) -> bool:
    """It was confirmed, or went elsewhere."""
    order = session.get_one(Order, UUID(approval.target_id))
    assignment = queries.current_assignment(session, order)
    return assignment is None or _standing(order, assignment) != approval.before


def subject(session: Session, approval: Approval) -> str:
    """Who has by it what was held, for limits that count a day's sum: by many orders it is still the same one."""
    assignment = session.get_one(Assignment, ids.parse("asg", approval.before["assignment"]))
    return gainer(session.get_one(Order, UUID(approval.target_id)), assignment, more=False)


def _given_up(session: Session, order: Order) -> Assignment:
    """Whose confirmation nobody waits for any more."""
    assignment = queries.current_assignment(session, order)
    if order.status != Status.PAID or assignment is None:
        raise InvalidTransition(status=order.status, action=str(Action.CALL_OFF))
    if order.confirm_by is not None and order.confirm_by > clock.now():
        raise StillToBeConfirmed(until=clock.rfc3339(order.confirm_by))
    return assignment


def _standing(order: Order, assignment: Assignment) -> dict[str, Any]:
    """What must still be so when it is decided."""
    return {"status": str(order.status), "assignment": assignment.public_id}


approvals.register(KIND, apply=apply, title="Cancellation of a paid order", drafts=drafts, subject=subject,
                   stale=stale)
