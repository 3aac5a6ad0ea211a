"""What matching reads and writes in the tables: one of the three hot statements, so it is two however many orders.

`pick`: lock the orders, skipping what others hold, and choose, take and count a requisite for each that waits, by the
SQL function of migrations/sql. `WRITE`: the orders as they have become, their events, the notes of their tries, and
for who was assigned the job that ends it in time.
"""
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core import clock, ids
from portal.core.pipeline import array, rows
from portal.ledger import stops
from portal.orders import events, row
from portal.orders.row import OrderRow
from portal.orders.states import Status

WAITING = (Status.NEW, Status.RETRYING)
KEPT = f"""(o.live AND (SELECT d.flow < 0 FROM direction_rules d WHERE d.direction = o.direction)
                 AND {stops.STOPPED})"""
"""Of an order `o`: a live payout while something is found in the books and no money leaves the desk."""
FUNNEL_ROWS_MAX = 800  # requisites judged for a batch's successes; above that they record their tier (decision 0006)


class Pick(NamedTuple):
    """The requisite that was taken for an order, and the assignment that has been made of it."""

    assignment_id: UUID
    trader_id: UUID
    holder_id: UUID
    robot: bool
    tier: int
    to_pay_minor: int  # the order's amount, less what makes it the only one of its sum there
    passed: list[str]  # candidates that fell out under the lock
    method: str
    bank: str | None
    number_first6: str
    number_last4: str
    pay_by: datetime
    end_at: datetime  # when the assignment ends if nothing happens
    funnel: dict[str, int] | None


ID_AT, KEPT_AT, UNJUDGED_AT, PICK_AT = tuple(row.TYPES).index("id"), *range(row.WIDTH, row.WIDTH + 3)  # in PICK's rows
# Unjudged: as rules were asked somebody held it, or the books kept it back; they are asked at the next look.
# A funnel is of the statement's snapshot, as the batch began: what the pick changes it does not see.
PICK = f"""
    WITH held AS MATERIALIZED (
        SELECT o.*, {KEPT} AS kept,
               coalesce(o.live AND o.judged_at IS NULL AND o.id <> ALL (%(passed)s::uuid[]), false) AS unjudged
          FROM orders o WHERE id = ANY (ARRAY(SELECT unnest(%(orders)s::uuid[])))
         ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
    ), picked AS MATERIALIZED (
        SELECT p.*, r.method, r.bank, r.number_first6, r.number_last4, t.pay_by,
               t.pay_by + make_interval(secs => CASE WHEN d.accepted_first THEN 0 ELSE s.grace_s END) AS end_at,
               CASE WHEN (SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = 'requisites'::regclass)
                         * cardinality(%(orders)s::uuid[]) <= %(funnel_rows_max)s
                    THEN matching_funnel(p.order_id, %(now)s, %(day)s) END AS funnel
          FROM pick_requisites(ARRAY(SELECT id FROM held WHERE status = ANY (%(waiting)s) AND NOT kept AND NOT unjudged
                                      ORDER BY id),
                               %(assignments)s::uuid[], %(now)s, %(day)s) p
          JOIN requisites r ON r.id = p.requisite_id
          JOIN held o ON o.id = p.order_id JOIN stores s ON s.id = o.store_id
          JOIN direction_rules d ON d.direction = o.direction
         CROSS JOIN LATERAL (SELECT %(now)s + make_interval(secs => CASE
             WHEN d.accepted_first THEN s.payout_accept_for_s ELSE s.pay_for_s END) AS pay_by) t
    )
    SELECT {row.selected("held")}, held.kept, held.unjudged, {", ".join(f"picked.{name}" for name in Pick._fields)}
      FROM held LEFT JOIN picked ON picked.order_id = held.id ORDER BY held.id"""
WRITE = events.statement(
    row.STEPPED_COLUMNS + ", outcome text, funnel jsonb, fell_out text[], end_at timestamptz",
    row.STEPPED_UPDATE + """, tried AS (
        INSERT INTO match_tries (created_at, order_id, number, outcome, assignment_id, funnel, fell_out)
        SELECT created_at, order_id, tries, outcome, assignment_id, funnel, fell_out FROM given
    ), ending AS (
        INSERT INTO jobs (kind, reference, unique_key, run_at, request_id, created_at)
        SELECT 'expire_order', assignment_id, assignment_id::text, end_at,
               coalesce(promised_by, %(promised_by)s), created_at
          FROM given WHERE end_at IS NOT NULL
        ON CONFLICT (kind, unique_key) DO NOTHING
    )""")


def pick(session: Session, order_ids: list[UUID],
         passed: Collection[UUID] | None) -> tuple[list[tuple[OrderRow, Pick | None]], set[UUID]]:
    """Those of the orders that nobody else holds, by id, locked; with the requisite that each has got now, if any. And
    which else are locked, but kept back. `passed`: whom rules of risk let through now; None where there are none.
    """
    found = rows(session, PICK, {
        "orders": array(order_ids), "assignments": array(ids.new_id() for _ in order_ids),
        "passed": None if passed is None else array(passed),
        "waiting": [str(status) for status in WAITING], "now": clock.now(), "day": clock.today(),
        "funnel_rows_max": FUNNEL_ROWS_MAX})
    kept = {each[ID_AT] for each in found if each[KEPT_AT]}
    return [(OrderRow(*each[:row.WIDTH]), None if each[PICK_AT] is None else Pick(*each[PICK_AT:]))
            for each in found if not (each[KEPT_AT] or each[UNJUDGED_AT])], kept


def tried(outcome: str, funnel: dict[str, int], *, fell_out: Sequence[str] = (),
          end_at: datetime | None = None) -> dict[str, Any]:
    """What a try brings along to its event: `outcome` is `assigned`, or what excluded most."""
    return {"outcome": outcome, "funnel": funnel, "fell_out": fell_out, "end_at": end_at}
