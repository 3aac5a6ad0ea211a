"""Reminders before a side's time to answer ends: once for each time it was asked."""
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import notices
from portal.core import clock
from portal.disputes.models import Dispute
from portal.disputes.reasons import Side
from portal.orders.models import Order

BEFORE = {Side.TRADER: timedelta(minutes=30), Side.STORE: timedelta(hours=3), Side.STAFF: timedelta(hours=6)}
MOST = 200


def remind(session: Session) -> None:
    """Work of a recurring job: the disputes of the hours to come, by `ix_disputes_answer_by`."""
    now = clock.now()
    near = select(Dispute).where(
        Dispute.ended_at.is_(None), Dispute.answer_by.between(now, now + max(BEFORE.values())), Dispute.live)
    for dispute in session.scalars(near.order_by(Dispute.answer_by).limit(MOST)).all():
        side = Side(dispute.waits_for or "")
        if dispute.answer_by is None or dispute.answer_by > now + BEFORE[side]:
            continue
        notices.notify(session, "dispute.deadline", _whose(dispute, side),
                       once=f"{dispute.public_id}:{dispute.answer_by:%Y%m%d%H%M%S}",
                       order=session.get_one(Order, dispute.order_id).public_id, dispute=dispute.public_id,
                       minutes=int((dispute.answer_by - now).total_seconds() // 60))


def _whose(dispute: Dispute, side: Side) -> notices.Audience:
    match side:
        case Side.TRADER:
            return notices.trader(dispute.trader_id)
        case Side.STORE:
            return notices.store(dispute.store_id)
        case _:
            return notices.STAFF
