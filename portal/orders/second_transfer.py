"""One order paid in two transfers: less came first, its trader said so, and the rest comes after it.

The sums are added on the same assignment, whose clock stands and whose collateral is held; when it is whole the order
is settled as ordered, whoever was asked about the first part. More than that is staff's matter, as always.
"""
from typing import Annotated

from pydantic import Field
from sqlalchemy.orm import Session

from portal.core import typed_amounts
from portal.core.access import Actor
from portal.core.errors import Conflict, FieldError, Invalid
from portal.orders import attention, attention_cases, queries
from portal.orders.agreement import agree, outcome
from portal.orders.commands import OrderCommand
from portal.orders.judging import at_money
from portal.orders.models import Order
from portal.orders.other_amount import STAFF
from portal.orders.service import only_its_trader
from portal.orders.states import Action, Status
from portal.orders.steps import Steps
from portal.risk.facts import Moment

Amount = Annotated[str, Field(min_length=1, max_length=60)]


class NothingToAdd(Conflict):
    """This order does not wait for the rest of its money."""

    code = "nothing_to_add"


class AmountMoved(Conflict):
    """Another amount has been reported meanwhile. Look at the order and say again what came."""

    code = "amount_moved"


class AddTransfer(OrderCommand):
    """`received`: what this transfer alone brought; `before`: what the form showed as received until then."""

    received: Amount
    before: Amount


def add(session: Session, actor: Actor, command: AddTransfer) -> Order:
    """Its trader says that more of it came: whole, it is settled; still less, who was asked is asked of the new sum.

    What rules of risk find wrong with it waits for staff.
    Raises NotFound, NotYours, NothingToAdd, AmountMoved, Invalid.
    """
    order = queries.lock(session, actor, command.order_id)
    assignment = queries.current_assignment(session, order)
    only_its_trader(actor, assignment)
    if order.status != Status.DISPUTED or order.exactness != "under" or order.amount_received is None or (
            assignment is None):
        raise NothingToAdd()
    if order.amount_received != typed_amounts.amount("before", command.before, order.currency):
        raise AmountMoved()
    more = typed_amounts.amount("received", command.received, order.currency)
    if not more:
        raise Invalid(fields=[FieldError("/received", "not_positive", "Say how much came with this transfer.")])
    found = outcome(session, order, assignment, order.amount_received + more)
    steps = Steps(session, actor)
    order.amount_received_minor, order.exactness = found.received.minor, found.exactness
    steps.take(order, Action.ADD_TRANSFER, details={
        "assignment": assignment.public_id, "came": more.text, "received": found.received.text})
    if at_money.suspicion(session, Moment.CONFIRM, order, assignment) is not None or found.exactness == "over":
        order.waits_for = STAFF
        why, said = ((attention_cases.OTHER_AMOUNT, attention.OTHER_AMOUNT) if found.exactness == "over" else
                     (attention_cases.SUSPECTED, attention.SUSPECTED))
        attention_cases.call(session, order, why)
        attention.tell(session, order, said, staff_only=True)
    elif found.exactness == "exact":
        agree(steps, order, assignment, found, action=Action.CONCEDE, details={"transfers": "2"})
    steps.write()
    return order
