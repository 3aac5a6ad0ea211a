"""What others learn of a dispute: the store's webhook, open pages, and the shape that both and the gateway show."""
from typing import Any, Literal

from sqlalchemy.orm import Session

from portal import notices
from portal.core import page_events
from portal.core.clock import rfc3339
from portal.disputes.models import Dispute
from portal.orders.models import Order
from portal.webhooks.announce import Announcement, announce

N_ = str  # marks a sentence for translation
What = Literal["opened", "answered", "decided"]
TOPIC = "disputes"
WAITS = {"store": N_("The store's word is awaited."), "trader": N_("The trader's word is awaited."),
         "staff": N_("The desk looks at it.")}
OUTCOMES = {"complete": N_("Settle what arrived"), "adjust": N_("Settle what arrived"),
            "cancel": N_("Cancel: the money goes back to the payer"), "stands": N_("Leave it as it was settled"),
            "correct": N_("Correct it to another amount")}


def public(dispute: Dispute, order: Order) -> dict[str, Any]:
    """A dispute as its store sees it; statements stay in the portal."""
    return {"id": dispute.public_id, "object": "dispute", "order_id": order.public_id,
            "external_id": order.external_id, "status": "ended" if dispute.ended else "open",
            "reason": dispute.reason, "opened_by": dispute.opened_by, "waits_for": dispute.waits_for,
            "answer_by": rfc3339(dispute.answer_by), "outcome": dispute.outcome, "ground": dispute.ground,
            "live": dispute.live, "created_at": rfc3339(dispute.created_at), "ended_at": rfc3339(dispute.ended_at)}


def tell(session: Session, dispute: Dispute, order: Order, what: What) -> None:
    """Both sides' pages, and the store's endpoints."""
    announce(session, [Announcement(
        store_id=dispute.store_id, live=dispute.live, type=f"dispute.{what}", order_id=order.id,
        version=order.version, payload=public(dispute, order))])
    tell_pages(session, dispute)
    if dispute.live:
        tell_people(session, dispute, order, what)


def tell_people(session: Session, dispute: Dispute, order: Order, what: What) -> None:
    """Both sides' people and staff; not who opened it of his opening it."""
    sides = (notices.trader(dispute.trader_id), notices.store(dispute.store_id), notices.STAFF)
    notices.notify(session, f"dispute.{what}", *sides, but=dispute.opener_id if what == "opened" else None,
                   order=order.public_id, dispute=dispute.public_id, waits=WAITS.get(dispute.waits_for or ""),
                   outcome=OUTCOMES.get(dispute.outcome or ""), ground=dispute.ground)


def tell_pages(session: Session, dispute: Dispute) -> None:
    audience = {page_events.store(dispute.store_id), page_events.trader(dispute.trader_id)}
    for name in (TOPIC, "orders"):
        page_events.tell(session, name, audience)
