"""What a trader has open now, as staff see it."""
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager, joinedload

from portal.core.access import Actor
from portal.orders import queries
from portal.orders.models import Assignment, OpenPlace, Order

OPEN_MAX = 50


def open_of_trader(session: Session, actor: Actor, trader_id: UUID) -> Sequence[Assignment]:
    """The most urgent first, each with order and requisite: one query over the small table of places."""
    seen = queries.visible_to(actor).with_only_columns(Order.id)
    return session.scalars(
        select(Assignment).join(Assignment.order).join(OpenPlace, OpenPlace.assignment_id == Assignment.id)
        .where(OpenPlace.trader_id == trader_id, Order.id.in_(seen))
        .options(contains_eager(Assignment.order), joinedload(Assignment.requisite))
        .order_by(Assignment.expires_at).limit(OPEN_MAX)).all()
