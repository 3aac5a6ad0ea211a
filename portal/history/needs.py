"""What still needs a month of history: as long as anything does, it stays in the database."""
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.history.months import TABLES, begin_of, end_of
from portal.ledger import findings, proofs
from portal.orders.states import ENDED

OPEN = "o.status NOT IN ({})".format(", ".join(f"'{status}'" for status in sorted(ENDED)))


class Need(NamedTuple):
    """What needs rows of a month, and how much of it there is."""

    what: str
    rows: int


def _of_orders(table: str) -> Mapping[str, str]:
    """What an order's rows may still be needed for; `o` is an order with rows in the month."""
    one = f"""SELECT count(*) FROM orders o WHERE o.created_at < :until AND ({{}})
              AND EXISTS (SELECT FROM {table} t WHERE t.order_id = o.id AND t.created_at >= :since
                          AND t.created_at < :until)"""
    return {
        "orders that have not ended": one.format(OPEN),
        "attempts that still hold collateral": one.format(
            "o.id IN (SELECT order_id FROM assignments WHERE state <> 'ended')"),
        "open disputes": one.format("o.id IN (SELECT order_id FROM disputes WHERE ended_at IS NULL)"),
        "legal holds": one.format("""EXISTS (SELECT FROM legal_holds h WHERE h.lifted_at IS NULL AND (
            h.order_id = o.id OR (h.store_id = o.store_id AND h.customer_id = o.customer_id)))"""),
        "pending approvals": one.format(
            "o.id IN (SELECT c.order_id FROM settle_corrections c JOIN approvals a USING (id)"
            " WHERE a.state = 'pending') OR o.id::text IN"
            " (SELECT target_id FROM approvals WHERE state = 'pending')"),
    }


NEEDS: Mapping[str, Mapping[str, str]] = {
    "match_tries": _of_orders("match_tries"),
    "order_events": _of_orders("order_events"),
    "webhook_deliveries": {
        "deliveries on their way": """SELECT count(*) FROM webhook_deliveries
            WHERE state = 'pending' AND created_at >= :since AND created_at < :until""",
        "requests of deliveries, of this month": """SELECT count(*) FROM webhook_attempts
            WHERE created_at >= :since AND created_at < :until"""},
    "webhook_events": {
        "deliveries that are kept": """SELECT count(*) FROM webhook_deliveries d
            WHERE d.event_created_at >= :since AND d.event_created_at < :until""",
        "replays under way": """SELECT count(*) FROM webhook_replays
            WHERE state = 'running' AND since < :until AND webhook_replays.until > :since"""},
    "audit_rows": {
        "pending approvals": """SELECT count(*) FROM approvals WHERE state = 'pending' AND created_at < :until"""},
}


def of(session: Session, table: str, month: date) -> Sequence[Need]:
    """What forbids that this month leaves: each a count, none of them zero. Reads through the whole table's name, so
    that the application's role may ask too."""
    assert table in TABLES
    times = {"since": begin_of(month), "until": end_of(month)}
    counted = [Need(what, session.scalar(text(sql), times) or 0) for what, sql in NEEDS.get(table, {}).items()]
    return [need for need in [*counted, *_of_books(session, month)] if need.rows]


def _of_books(session: Session, month: date) -> Sequence[Need]:
    """The whole books were proved after the month had ended, and nothing that was found stands."""
    last = proofs.last(session, "full")
    proved = last is not None and last.holds and last.began_at >= end_of(month)
    return [Need("findings of the books or the audit that stand", findings.count(session)),
            Need("proof of the whole books that is lacking (bin/flask ledger verify)", int(not proved))]
