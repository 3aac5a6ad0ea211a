"""Showing staff the number of an order's attempt in full: as on the requisite's page, and kept with the order too."""
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import audit, ids
from portal.core.access import Actor
from portal.core.commands import Command
from portal.core.errors import NotFound
from portal.orders import queries
from portal.orders.models import Assignment
from portal.requisites.commands import Reason
from portal.requisites.models import PREFIX
from portal.requisites.number_reveal import RevealToStaff, reveal_to_staff


class RevealOfAttempt(Command):
    order_id: str
    assignment_id: str
    reason: Reason


def reveal_of_attempt(session: Session, actor: Actor, command: RevealOfAttempt) -> tuple[str, str]:
    """Whose attempt it was (public id) and its number; the audit keeps it of the order and of the requisite.

    Raises Denied, NotFound.
    """
    order = queries.find(session, actor, command.order_id)
    attempt = session.scalar(select(Assignment).where(
        Assignment.id == ids.parse("asg", command.assignment_id), Assignment.order_id == order.id))
    if attempt is None:
        raise NotFound()
    number = reveal_to_staff(session, actor, RevealToStaff(
        requisite_id=ids.public(PREFIX, attempt.requisite_id), reason=command.reason))
    audit.record(session, actor, "order.number_shown", "order", order.id, reason=command.reason,
                 after={"assignment": attempt.public_id})
    return attempt.public_id, number
