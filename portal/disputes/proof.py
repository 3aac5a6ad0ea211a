"""What must hold of disputes and orders; part of `flask ledger verify`."""
from portal.ledger import verify
from portal.ledger.verify import Check

STANDS = Check(
    "every disputed order waits for a word, and every open dispute is about an order that can be decided",
    "SELECT count(*) FROM disputes WHERE ended_at IS NULL",
    """
    SELECT 'order ' || o.id || ' is disputed and nobody is asked about it'
      FROM orders o WHERE o.status = 'disputed' AND o.waits_for IS NULL AND NOT EXISTS (
           SELECT FROM disputes d WHERE d.order_id = o.id AND d.ended_at IS NULL)
    UNION ALL
    SELECT 'dispute ' || d.id || ' is open on order ' || o.id || ', which is ' || o.status
      FROM disputes d JOIN orders o ON o.id = d.order_id
     WHERE d.ended_at IS NULL AND o.status NOT IN ('disputed', 'completed')
       AND NOT (d.reason = 'paid_late' AND o.status IN ('expired', 'cancelled'))
       AND NOT (d.reason = 'sent_after_all' AND o.status = 'cancelled')""")
UNSECURED = Check(
    "a trader is stopped by the late money that he has no collateral for, and by nothing else of the kind",
    "SELECT count(*) FROM disputes WHERE unsecured",
    """
    SELECT 'trader ' || coalesce(t.id, d.trader_id) || ': stopped by ' || coalesce(t.unsecured, 0) || ', open are '
               || coalesce(d.open, 0)
      FROM (SELECT id, unsecured FROM traders WHERE unsecured <> 0) t
      FULL JOIN (SELECT trader_id, count(*) AS open FROM disputes WHERE unsecured AND ended_at IS NULL GROUP BY 1) d
        ON d.trader_id = t.id
     WHERE coalesce(t.unsecured, 0) <> coalesce(d.open, 0)""")
for check in (STANDS, UNSECURED):
    verify.register(check)
