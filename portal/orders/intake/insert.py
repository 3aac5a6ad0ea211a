"""A new order in the table: one of the three hot statements, so it is one statement for as many as come together.

Orders with their keys and request hashes, the events, the jobs, what stores are told: all of it or nothing. A key or
an external id that is there already leaves its order out, also when both are in the same batch; what is there is the
caller's to look at. One alone is written with what is held for it.
"""
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy.orm import Session

from portal import webhooks
from portal.core import ids, jobs, page_events, request_log, tracing
from portal.core.access import Actor
from portal.core.pipeline import Rows, rows
from portal.ledger import Draft, holds, stops
from portal.orders import row, view
from portal.orders.row import OrderRow
from portal.requisites import test_outcomes

MATCH = "match_order"
# the robots judge a test order whose amount says so, and have it matched afterwards
FIRST_JOB = f"""CASE WHEN live OR mod(amount_minor, {test_outcomes.DIGITS}) NOT IN {test_outcomes.JUDGED}
               THEN '{MATCH}' ELSE '{test_outcomes.PLAY}' END"""


class Asked(NamedTuple):
    """A new order, what the gateway answers, and who asked for it."""

    order: OrderRow
    actor: Actor
    answer: dict[str, Any]
    row: str  # JSON of all columns: encoded by who asks, not by who writes for everybody

    @classmethod
    def by(cls, actor: Actor, order: OrderRow, answer: dict[str, Any]) -> "Asked":
        written = row.values(order, row.CREATED) | {
            name: f"\\x{held.hex()}" for name in BYTES if (held := getattr(order, name)) is not None} | {
            "event_id": ids.new_id(), "actor_kind": str(actor.kind),
            "actor_id": actor.id, "actor_name": actor.name, "role": actor.role, "address": actor.address,
            "request_id": actor.request_id,
            "job_request_id": tracing.kept(actor.request_id or request_log.request_id()),
            "payload": answer | view.kept_where(order)}
        return cls(order, actor, answer, to_json(written).decode())


BYTES = tuple(name for name in row.CREATED if row.TYPES[name] == "BYTEA")
_MADE = f"""
    WITH given AS MATERIALIZED (
        SELECT r.* FROM set_config('lock_timeout', coalesce(%(patience)s, current_setting('lock_timeout')), true),
            json_to_recordset(%(rows)s::json) AS r({row.recordset(row.CREATED)}, event_id uuid, actor_kind text,
            actor_id uuid, actor_name text, role text, address inet, request_id text, job_request_id text,
            payload jsonb)
    ), made AS (
        INSERT INTO orders ({", ".join(row.CREATED)}) SELECT {", ".join(row.CREATED)} FROM given
        ON CONFLICT DO NOTHING RETURNING id
    ), noted AS (
        INSERT INTO order_events (id, created_at, order_id, version, type, to_status, actor_kind, actor_id, actor_name,
            role, address, request_id, details, payload)
        SELECT event_id, created_at, id, 1, direction || '.new', 'new', actor_kind, actor_id, actor_name, role, address,
            request_id, '{{}}', payload FROM given JOIN made USING (id)
    ), promised AS (
        INSERT INTO jobs (kind, reference, unique_key, run_at, request_id, created_at)
        SELECT {FIRST_JOB}, id, id::text, least(created_at, now()), job_request_id, created_at
          FROM given JOIN made USING (id)
    ), told AS MATERIALIZED (
        SELECT uuidv7() AS event_id, created_at AS at, store_id, live, direction || '.new' AS type, id AS order_id,
            1 AS version, payload, job_request_id AS request_id FROM given JOIN made USING (id)
    ), {webhooks.ANNOUNCED}"""
INSERT = f"{_MADE} SELECT id, EXISTS (SELECT FROM takers) AS announced FROM made"
INSERT_HELD = f"""{_MADE}, {holds.HELD}
    SELECT id, EXISTS (SELECT FROM takers) AS announced, debit_after_minor, {stops.MAY_BE_KEPT}
      FROM made JOIN given g USING (id) LEFT JOIN cover ON true"""
"""One order with its hold, whatever is said of it: who is refused takes the order back."""


def parameters(asked: Sequence[Asked], *, patience: str | None = None) -> dict[str, Any]:
    """For INSERT. `patience`: how long to wait for who is just taking the same key or external id; by default as long
    as for any lock."""
    # by key: two processes with the same keys wait for each other in one direction only
    return {"patience": patience, "rows": "[" + ",".join(one.row for one in sorted(asked, key=_in_order)) + "]"}


def written(session: Session, asked: Sequence[Asked], found: Rows) -> set[UUID]:
    """The ids of those orders that INSERT, which found this, has written; tells who listens."""
    ids = {id for id, _ in found}
    if ids:
        jobs.wake(session, MATCH)
        stores = {page_events.store(one.order.store_id) for one in asked if one.order.id in ids}
        page_events.tell(session, "orders", stores)
    if any(announced for _, announced in found):
        webhooks.wake(session)
    return ids


def write(session: Session, asked: Sequence[Asked]) -> set[UUID]:
    """Write new orders and tell who listens; the ids of those that were written. A transaction in itself."""
    return written(session, asked, rows(session, INSERT, parameters(asked)))


def write_held(session: Session, asked: Asked, hold: Draft) -> bool:
    """As `write`, one order and what is held for it; whether it was written.

    Raises MoneyOutStopped, ClaimOpen, InsufficientFunds: then the transaction must not stand.
    """
    found = rows(session, INSERT_HELD, parameters([asked]) | holds.parameters(session, hold))
    for _, _, left_minor, may_be_kept in found:
        if may_be_kept:
            stops.refuse_while_kept(session, asked.order.store_id, asked.order.settlement_currency)
        holds.judge(session, hold, left_minor)
    return bool(written(session, [asked], [(id, announced) for id, announced, *_ in found]))


def _in_order(asked: Asked) -> tuple[UUID, str, str]:
    return asked.order.store_id, asked.order.idempotency_key, asked.order.external_id
