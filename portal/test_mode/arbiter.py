"""The robot's word on a dispute of test mode: one robot asks, a second one agrees, as two of the staff would."""
from typing import Literal

from sqlalchemy.orm import Session

from portal.core.money import Money
from portal.disputes.commands import DecideDispute
from portal.disputes.decisions import decide_in_test
from portal.orders.models import Order
from portal.test_mode import robots

GROUND = "Test mode: decided as the amount of this order asks for."


def decide(session: Session, order: Order, outcome: Literal["complete", "cancel", "stands", "correct"],
           amount: Money | None = None) -> None:
    """`amount`: what is taken to have arrived, where that is not what was ordered."""
    decide_in_test(session, (robots.staff(1), robots.staff(2)), DecideDispute(
        order_id=order.public_id, outcome=outcome, amount=None if amount is None else amount.text, reason=GROUND))
