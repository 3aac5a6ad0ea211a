"""What was kept long enough goes: by kind, oldest first, in batches; never what is on hold, nor what still runs.

A dry run counts the same rows by the same words.
"""
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from portal import files
from portal.applications.models import DOCUMENT, Application
from portal.core import retention
from portal.core.db import locked
from portal.disputes.service import EVIDENCE
from portal.help.models import HelpMessage
from portal.orders import destinations, forgetting
from portal.orders.facts import PAYERS_RECEIPTS_ON, RECEIPTS_ON
from portal.orders.models import Order
from portal.privacy.holds import FREE

FIRST = UUID(int=0)
GONE = "—"
ORDERS = f"""FROM orders o WHERE o.ended_at < :before AND o.id > :after AND {FREE} AND (o.customer_name IS NOT NULL
    OR o.customer_ip IS NOT NULL OR o.description IS NOT NULL OR o.return_url IS NOT NULL OR o.meta <> '{{}}'
    OR o.customer_id NOT LIKE 'erased\\_%' OR o.destination_mask <> '{destinations.FORGOTTEN}')"""
ADDRESSES = f"FROM orders o WHERE o.ended_at < :before AND o.id > :after AND {FREE} AND o.customer_ip IS NOT NULL"
RECEIPTS = f"""FROM files f LEFT JOIN assignments a ON f.subject_kind = '{RECEIPTS_ON}' AND a.id = f.subject_id
    LEFT JOIN dispute_statements s ON f.subject_kind = '{EVIDENCE}' AND s.id = f.subject_id
    LEFT JOIN disputes d ON d.id = s.dispute_id
    JOIN orders o ON o.id = CASE f.subject_kind WHEN '{PAYERS_RECEIPTS_ON}' THEN f.subject_id
                            WHEN '{RECEIPTS_ON}' THEN a.order_id ELSE d.order_id END
    WHERE f.subject_kind IN ('{PAYERS_RECEIPTS_ON}', '{RECEIPTS_ON}', '{EVIDENCE}') AND o.ended_at < :before
      AND f.attached_at < :before AND f.id > :after AND {FREE}
      AND NOT EXISTS (SELECT FROM disputes r WHERE r.order_id = o.id AND r.ended_at IS NULL)"""
MESSAGES = f"""FROM (
        SELECT s.id, d.order_id, d.ended_at FROM dispute_statements s JOIN disputes d ON d.id = s.dispute_id
         WHERE s.text <> '{GONE}' UNION ALL
        SELECT m.id, t.order_id, coalesce(t.closed_at, t.said_at) FROM help_messages m
          JOIN help_threads t ON t.id = m.thread_id WHERE m.text <> '{GONE}') s JOIN orders o ON o.id = s.order_id
    WHERE s.ended_at < :before AND s.id > :after AND {FREE}"""
APPLICATIONS = f"""FROM applications p WHERE p.state = 'refused' AND p.decided_at < :before AND p.id > :after
    AND p.email <> '{GONE}'"""
FORGET_STATEMENTS = text("SELECT forget_statements(CAST(:ids AS uuid[]))")


class Kind(NamedTuple):
    """`rows`: what is due, with the id it goes by; `forget` does it to these."""

    name: str
    id: str
    rows: str
    forget: Callable[[Session, Sequence[UUID]], None]


class Batch(NamedTuple):
    """`last`: up to which row; None at the end."""

    last: UUID | None
    gone: int


def due(session: Session, kind: Kind, before: datetime) -> int:
    """How many would go now: the dry run."""
    return session.scalar(text(f"SELECT count(*) {kind.rows}"), {"before": before, "after": FIRST}) or 0


def purge(session: Session, kind: Kind, before: datetime, *, after: UUID = FIRST, limit: int = 200) -> Batch:
    """The next so many. Harmless twice."""
    found: list[UUID] = list(session.scalars(
        text(f"SELECT {kind.id} {kind.rows} ORDER BY {kind.id} LIMIT :limit"),
        {"before": before, "after": after, "limit": limit}))
    if found:
        kind.forget(session, found)
    return Batch(found[-1] if len(found) == limit else None, len(found))


def _orders(session: Session, ids: Sequence[UUID]) -> None:
    forgetting.forget(session, locked(session, select(Order).where(Order.id.in_(ids)).order_by(Order.id)))


def _addresses(session: Session, ids: Sequence[UUID]) -> None:
    for order in locked(session, select(Order).where(Order.id.in_(ids)).order_by(Order.id)):
        order.customer_ip = None


def _messages(session: Session, ids: Sequence[UUID]) -> None:
    session.execute(FORGET_STATEMENTS, {"ids": list(ids)})
    session.execute(update(HelpMessage).where(HelpMessage.id.in_(ids)).values(text=GONE))


def _applications(session: Session, ids: Sequence[UUID]) -> None:
    nothing: dict[str, Any] = dict.fromkeys(("name", "contact", "email", "phone", "country", "wants"), GONE)
    session.execute(update(Application).where(Application.id.in_(ids)).values(
        **nothing, phone_digits="", website=None, address=None))
    files.forget_of(session, DOCUMENT, ids)


KINDS = (
    Kind("customers", "o.id", ORDERS, _orders), Kind("addresses", "o.id", ADDRESSES, _addresses),
    Kind("receipts", "f.id", RECEIPTS, files.forget), Kind("messages", "s.id", MESSAGES, _messages),
    Kind("applications", "p.id", APPLICATIONS, _applications))
"""Sessions and mails are swept by their own rooms, by the same settings."""
assert {kind.name for kind in KINDS} < set(retention.KINDS)
