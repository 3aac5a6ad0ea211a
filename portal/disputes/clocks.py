"""What the clock does to disputes: a side that lets its time pass is noted, and staff look; nobody loses by the clock.

And what it makes of orders: a payin that its payer says is paid and nobody confirms becomes a dispute.
"""
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import audit, clock
from portal.core.access import SYSTEM
from portal.core.db import locked
from portal.core.jobs import Claimed
from portal.disputes import decisions, queries, reasons, telling
from portal.disputes.commands import OpenDispute
from portal.disputes.models import Dispute
from portal.disputes.reasons import Side
from portal.disputes.service import answers, open_dispute
from portal.orders import attention_cases
from portal.orders import queries as orders
from portal.orders.models import OpenPlace, Order
from portal.orders.states import Direction, Status

UNCONFIRMED = "dispute_unconfirmed"
AFTER, BATCH = timedelta(hours=1), 50  # staff were called at `confirm_by`; an hour later it is a quarrel
SAID = "The payer says that it is paid, and nobody has confirmed it in time."


def overdue(session: Session, batch: Sequence[Claimed]) -> None:
    """Work of the kind `dispute_deadline`: the reference is the dispute. Does nothing where an answer came."""
    wanted = [job.reference for job in batch if job.reference is not None]
    of = list(session.scalars(select(Dispute.order_id).where(Dispute.id.in_(wanted))))
    about = orders.lock_many(session, of)
    found = locked(session, select(Dispute).where(Dispute.id.in_(wanted), Dispute.ended_at.is_(None))
                   .order_by(Dispute.id))
    for dispute in found:
        if dispute.waits_for == Side.STAFF or dispute.answer_by is None or dispute.answer_by > clock.now():
            continue
        dispute.silent, dispute.waits_for = dispute.waits_for, str(Side.STAFF)
        dispute.answer_by = clock.now() + reasons.ANSWER_FOR[Side.STAFF]
        attention_cases.call(session, about[dispute.order_id], attention_cases.SILENT)
        audit.record(session, SYSTEM, "dispute.silent", "order", dispute.order_id,
                     after={"dispute": dispute.public_id, "side": dispute.silent})
        telling.tell_pages(session, dispute)
    session.flush()


def open_unconfirmed(session: Session, batch: Sequence[Claimed] = ()) -> None:
    """Orders that staff were called to an hour ago and that still stand at `paid`."""
    late = session.execute(select(Order.id).join(OpenPlace, OpenPlace.order_id == Order.id).where(
        Order.live, Order.waits_for.is_(None), Order.status == Status.PAID, Order.direction == Direction.PAYIN,
        Order.confirm_by <= clock.now() - AFTER).order_by(Order.confirm_by).limit(BATCH)).scalars()
    for order in orders.lock_many(session, list(late)).values():
        if order.status == Status.PAID and queries.open_of(session, order.id) is None:
            open_dispute(session, SYSTEM, OpenDispute(order_id=order.public_id, reason="unconfirmed", text=SAID))


def suggested(dispute: Dispute) -> str | None:
    """What the silence of the side that was objected to suggests; staff decide all the same."""
    objected_to = str(answers(Side(dispute.opened_by)))
    found = reasons.BY_CODE[dispute.reason].suggests if dispute.silent == objected_to else None
    return found if found in decisions.OUTCOMES.get(Status(dispute.order.status), ()) else None
