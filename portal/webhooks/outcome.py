"""What an attempt comes to: delivered, again later, given up; and an endpoint that is switched off with it."""
from datetime import timedelta

import structlog
from sqlalchemy import ColumnElement, insert, select, text
from sqlalchemy.orm import Session

from portal import notices
from portal.core import audit, clock, jobs, metrics, page_events
from portal.core.access import SYSTEM
from portal.core.db import locked_one
from portal.core.outbound.transport import Answer
from portal.webhooks import backoff
from portal.webhooks.claims import ClaimedDelivery
from portal.webhooks.models import NOT_OPENED, Attempt, Delivery, DeliveryState, Endpoint, EndpointStatus

log = structlog.get_logger("webhooks")
N_ = str  # marks a sentence for translation
WHY = {"gone": N_("it said that it is gone for good"), "failing": N_("it has taken nothing for days")}
GONE = 410
PUT_OFF_S = 5
INBOX_KEEPS = 5  # attempts of a delivery: told again and again, the desk would fill its own books
TRIM = text("SELECT trim_inbox_attempts(:wanted, :newest)")


def drop(session: Session, parcel: ClaimedDelivery) -> None:
    """Its endpoint wants nothing more. Raises LeaseLost."""
    delivery = _lock(session, parcel)
    delivery.state, delivery.next_attempt_at = DeliveryState.DROPPED, None
    session.flush()
    jobs.finish(session, [parcel.job])


def put_off(session: Session, parcel: ClaimedDelivery) -> None:
    """The desk had no place to look its name up: no try of the receiver's, and soon again. Raises LeaseLost."""
    delivery = _lock(session, parcel)
    delivery.next_attempt_at = clock.now() + timedelta(seconds=PUT_OFF_S)
    session.flush()
    jobs.postpone(session, parcel.job, delivery.next_attempt_at)


def record(session: Session, parcel: ClaimedDelivery, answer: Answer) -> None:
    """Write down one attempt, and what follows from it. Raises LeaseLost when somebody else has the delivery now."""
    endpoint_id = session.scalar(select(Delivery.endpoint_id).where(*_named(parcel)))
    # endpoint before delivery: whoever resends or switches off takes them in this order
    endpoint = locked_one(session, select(Endpoint).where(Endpoint.id == endpoint_id)) if _may_end(answer) else None
    delivery = _lock(session, parcel)
    now = clock.now()
    delivery.attempts += 1
    delivery.last_attempt_at, delivery.response_status, delivery.response_ms = now, answer.status, answer.ms
    delivery.response_error, delivery.response_text = answer.error, answer.response
    delivery.response_head = answer.head
    session.execute(insert(Attempt), [{
        "created_at": now, "delivery_id": delivery.id, "number": delivery.attempts, "url": parcel.url,
        "request_head": answer.sent_head, "status": answer.status, "ms": answer.ms, "error": answer.error,
        "response_head": answer.head, "response": answer.response}])
    metrics.attempt(answer.status, answer.error)
    log.info("webhook_attempt", delivery=delivery.public_id, attempt=delivery.attempts, status=answer.status,
             error=answer.error, ms=answer.ms)
    if answer.succeeded:
        delivery.state, delivery.next_attempt_at = DeliveryState.DELIVERED, None
    else:
        _failed(session, delivery, endpoint, answer)
    page_events.tell(session, "deliveries", [page_events.store(delivery.store_id)])
    session.flush()
    if parcel.to_inbox and delivery.attempts > INBOX_KEEPS:
        session.execute(TRIM, {"wanted": delivery.id, "newest": INBOX_KEEPS})
    if delivery.next_attempt_at is not None:
        jobs.postpone(session, parcel.job, delivery.next_attempt_at)
    else:
        jobs.finish(session, [parcel.job])


def _failed(session: Session, delivery: Delivery, endpoint: Endpoint | None, answer: Answer) -> None:
    assert endpoint is not None
    following = backoff.next_attempt(delivery.attempts - delivery.begun_at_attempt, clock.now(), answer.retry_after)
    if answer.status == GONE:
        following = None
        _switch_off(session, endpoint, "gone")
    elif following is None and not _kept_from_it(session, delivery) and not _heard_since(session, delivery):
        _switch_off(session, endpoint, "failing")
    delivery.next_attempt_at = following
    if following is None:
        delivery.state = DeliveryState.FAILED


def _may_end(answer: Answer) -> bool:
    return not answer.succeeded


def _kept_from_it(session: Session, delivery: Delivery) -> bool:
    """Was nothing sent at one try of this schedule or more, by a fault of the desk? Then it was not asked for days."""
    return session.scalar(select(Attempt.id).where(
        Attempt.delivery_id == delivery.id, Attempt.created_at >= delivery.begun_at, Attempt.error.in_(NOT_OPENED))
        .limit(1)) is not None


def _heard_since(session: Session, delivery: Delivery) -> bool:
    """Did the endpoint take anything else while this schedule ran? Then it is alive, and this event is the trouble."""
    taken = select(Delivery.id).where(
        Delivery.endpoint_id == delivery.endpoint_id, Delivery.state == DeliveryState.DELIVERED,
        Delivery.last_attempt_at > delivery.begun_at)
    return session.scalar(taken.limit(1)) is not None


def _switch_off(session: Session, endpoint: Endpoint, because: str) -> None:
    """Nothing more is sent to it until the merchant turns it on; pages show a notice, the audit keeps the reason."""
    if not endpoint.active:
        return
    endpoint.status, endpoint.disabled_because = EndpointStatus.DISABLED, because
    endpoint.disabled_at, endpoint.notice_pending = clock.now(), True
    audit.record(session, SYSTEM, "webhook_endpoint.disabled", "webhook_endpoint", endpoint.public_id,
                 before={"status": "active"}, after={"status": "disabled"}, reason=because)
    notices.notify(session, "webhook.disabled", notices.store(endpoint.store_id), url=endpoint.url,
                   why=WHY[because], endpoint=endpoint.public_id)
    log.warning("webhook_endpoint_disabled", endpoint=endpoint.public_id, because=because)


def _lock(session: Session, parcel: ClaimedDelivery) -> Delivery:
    delivery = locked_one(session, select(Delivery).where(*_named(parcel)))
    if delivery is None:  # its month was archived meanwhile
        raise jobs.LeaseLost()
    return delivery


def _named(parcel: ClaimedDelivery) -> tuple[ColumnElement[bool], ...]:
    return Delivery.id == parcel.delivery_id, Delivery.created_at == parcel.created_at
