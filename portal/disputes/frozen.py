"""A requisite that its bank froze, as disputes see it: money that is claimed there may not be had."""
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import ids
from portal.core.access import Actor
from portal.disputes.models import Dispute
from portal.orders import frozen
from portal.requisites.freezing import FreezeRequisite
from portal.requisites.models import PREFIX, Requisite


def freeze(session: Session, actor: Actor, command: FreezeRequisite) -> Requisite:
    """As `orders.frozen.freeze`; staff are called to orders that ended, too, where a dispute about it runs."""
    running = select(Dispute.order_id).where(
        Dispute.requisite_id == ids.parse(PREFIX, command.requisite_id), Dispute.ended_at.is_(None))
    return frozen.freeze(session, actor, command, disputed=session.scalars(running.limit(frozen.CALLED_MAX)).all())
