"""What staff write down about an order for each other: rows of the audit, so nobody changes or removes one."""
from collections.abc import Sequence

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.access import Actor
from portal.core.audit import AuditRow
from portal.orders import queries
from portal.orders.commands import OrderCommand
from portal.orders.models import Order

NOTED = "order.noted"
TEXT_MAX = 2000
SHOWN_MAX = 100


class AddNote(OrderCommand):
    text: str = Field(min_length=1, max_length=TEXT_MAX)


def add(session: Session, actor: Actor, command: AddNote) -> None:
    """Staff alone read it, with who wrote it and when. Raises NotFound."""
    order = queries.find(session, actor, command.order_id)
    audit.record(session, actor, NOTED, "order", order.id, reason=command.text)


def of(session: Session, actor: Actor, order: Order) -> Sequence[AuditRow]:
    """Newest first; nothing for anybody but staff."""
    if not actor.is_staff:
        return []
    return session.scalars(
        select(AuditRow).where(AuditRow.target_kind == "order", AuditRow.target_id == str(order.id),
                               AuditRow.action == NOTED)
        .order_by(AuditRow.created_at.desc(), AuditRow.id.desc()).limit(SHOWN_MAX)).all()
