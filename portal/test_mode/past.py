"""What a test order has been through already: the robots keep no memory of their own."""
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.orders.models import Assignment, Order


def ended_as(session: Session, order: Order, reason: str) -> int:
    """How many attempts ended so: `declined`, `expired`."""
    return session.scalar(select(func.count()).select_from(Assignment).where(
        Assignment.order_id == order.id, Assignment.end_reason == reason)) or 0
