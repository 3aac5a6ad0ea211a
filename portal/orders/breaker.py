"""A bank through which hardly anything comes any more gets no new orders for a while, by itself.

Its payers would wait in vain, its traders' amounts rest, and staff would see it an hour later. It is a pause like any
other (`reference/pausing.py`): people see who made it and why, and may end it; then it is left alone for an hour.
"""
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.access import SYSTEM
from portal.reference import pausing

LOOKS_BACK = timedelta(minutes=45)  # orders made so long ago have mostly ended
LATEST = timedelta(minutes=5)
ORDERS_MAX = 20_000  # of the newest
# of so many payers, of two stores where two are at work: neither one payer who lets orders expire nor one store that
# makes up payers stops a bank for all
PAYERS_MIN, STORES_MIN, PAID_PERCENT_MIN = 10, 2, 15
PAUSE_MINUTES, LEFT_ALONE = 30, timedelta(hours=1)
FAILING = text("""
    WITH newest AS MATERIALIZED (
        SELECT id, store_id, coalesce(customer_id, host(customer_ip), id::text) AS payer FROM orders
         WHERE created_at >= :since AND created_at < :until AND live AND direction = 'payin'
         ORDER BY created_at DESC LIMIT :most
    ), outcome AS (
        SELECT r.bank, n.store_id, n.payer, a.state = 'chosen' OR a.end_reason = 'settled' AS paid
          FROM newest n JOIN assignments a ON a.order_id = n.id JOIN requisites r ON r.id = a.requisite_id
         WHERE r.bank IS NOT NULL AND (a.state = 'chosen' OR a.end_reason IN ('settled', 'expired', 'replaced'))
    )
    SELECT bank, count(*), count(*) FILTER (WHERE paid) FROM outcome o
     WHERE NOT EXISTS (SELECT FROM desk_pauses p WHERE p.scope = 'bank' AND p.target = o.bank
                          AND (p.ended_at IS NULL OR p.ended_at > :lately))
     GROUP BY bank HAVING count(DISTINCT payer) >= :payers
        AND count(DISTINCT store_id) >= least(:stores, (SELECT count(DISTINCT store_id) FROM newest))
        AND count(*) FILTER (WHERE paid) * 100 < count(*) * :percent""")


def watch(session: Session) -> list[str]:
    """The banks that stand still from now on."""
    now = clock.now()
    found = session.execute(FAILING, {
        "since": now - LOOKS_BACK, "until": now - LATEST, "most": ORDERS_MAX, "lately": now - LEFT_ALONE,
        "payers": PAYERS_MIN, "stores": STORES_MIN, "percent": PAID_PERCENT_MIN}).all()
    for bank, attempts, paid in found:
        pausing.pause(session, SYSTEM, pausing.PauseDesk(
            what=f"bank:{bank}", for_minutes=PAUSE_MINUTES,
            reason=f"{paid} of the last {attempts} attempts through this bank were paid"))
    return [bank for bank, _, _ in found]
