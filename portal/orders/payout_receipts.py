"""The receipts of a payout's trader: of one assignment each, so that none serves for two."""
from uuid import UUID

from sqlalchemy.orm import Session

from portal import files
from portal.core.access import Actor
from portal.orders import queries
from portal.orders.facts import RECEIPTS_ON
from portal.orders.models import Assignment, Order

RECEIPT = RECEIPTS_ON


def _may_see(session: Session, actor: Actor, assignment_id: UUID) -> bool:
    """Whoever sees the order; of traders only the one whose receipt it is."""
    rows = queries.visible_to(actor).join(Assignment, Assignment.order_id == Order.id).where(
        Assignment.id == assignment_id)
    if actor.trader_id is not None:
        rows = rows.where(Assignment.trader_id == actor.trader_id)
    return session.scalar(rows.with_only_columns(Order.id)) is not None


files.visible_by(RECEIPT, _may_see)
