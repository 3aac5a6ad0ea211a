"""A requisite that its bank froze, as disputes see it: money that is claimed there may not be had."""
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.core import ids
from portal.core.access import Actor
from portal.disputes.models import Dispute
from portal.orders import frozen, reopening
from portal.orders.models import Assignment
from portal.requisites.freezing import FreezeRequisite
from portal.requisites.models import PREFIX, Requisite


def freeze(session: Session, actor: Actor, command: FreezeRequisite) -> Requisite:
    """As `orders.frozen.freeze`; staff are called to orders that ended, too, where a dispute runs whose money may be
    there: about it, or about an order whose payer was told to pay there before."""
    wanted = ids.parse(PREFIX, command.requisite_id)
    told = select(Assignment.id).where(Assignment.order_id == Dispute.order_id, Assignment.requisite_id == wanted,
                                       Assignment.end_reason.in_(reopening.TOLD_TO_PAY))
    running = select(Dispute.order_id).where(
        Dispute.ended_at.is_(None), or_(Dispute.requisite_id == wanted, told.exists()))
    return frozen.freeze(session, actor, command, disputed=running.limit(frozen.CALLED_MAX))
