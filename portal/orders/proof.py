"""What the books must say of orders; part of `flask ledger verify`."""
from portal.ledger import verify
from portal.ledger.verify import Check

SETTLED_ONCE = Check(
    "every completed payin is settled once, by its final amounts",
    "SELECT count(*) FROM orders WHERE status = 'completed' AND direction = 'payin'",
    """
    SELECT 'order ' || o.id || ': ' || CASE WHEN s.entries IS NULL THEN 'no settle entry'
               ELSE 'the store got ' || s.net || ' instead of ' || (o.settlement_minor - o.fee_minor) END
      FROM orders o
      LEFT JOIN (SELECT e.reference, count(DISTINCT e.id) AS entries, sum(p.amount_minor) FILTER (
                        WHERE c.owner_kind = 'store' AND c.purpose = 'available') AS net
                   FROM journal_entries e JOIN postings p ON p.entry_id = e.id JOIN accounts c ON c.id = p.credit_id
                  WHERE e.kind = 'payin_settle' GROUP BY e.reference) s ON s.reference = o.id
     WHERE o.status = 'completed' AND o.direction = 'payin'
       AND (s.entries IS DISTINCT FROM 1 OR s.net IS DISTINCT FROM o.settlement_minor - o.fee_minor)""")

ONLY_COMPLETED = Check(
    "only completed payins are settled",
    "SELECT count(*) FROM journal_entries WHERE kind = 'payin_settle'",
    """
    SELECT 'entry ' || e.id || ' settles order ' || e.reference || ', which is ' || coalesce(o.status, 'missing')
      FROM journal_entries e LEFT JOIN orders o ON o.id = e.reference
     WHERE e.kind = 'payin_settle' AND o.status IS DISTINCT FROM 'completed'""")

HOLDS = Check(
    "held collateral equals the holds of assignments not ended",
    "SELECT count(*) FROM assignments WHERE state <> 'ended'",
    """
    SELECT 'trader ' || coalesce(b.owner_id, a.trader_id) || ' ' || coalesce(b.currency, a.currency) || ': held '
               || coalesce(b.held, 0) || ', assignments need ' || coalesce(a.needed, 0)
      FROM (SELECT c.owner_id, c.currency, c.live, x.credits_minor - x.debits_minor AS held
              FROM accounts c JOIN balances x ON x.account_id = c.id
             WHERE c.owner_kind = 'trader' AND c.purpose = 'held') b
      FULL JOIN (SELECT s.trader_id, s.settlement_currency AS currency, o.live, sum(s.settlement_minor) AS needed
                   FROM assignments s JOIN orders o ON o.id = s.order_id WHERE s.state <> 'ended'
                  GROUP BY 1, 2, 3) a ON a.trader_id = b.owner_id AND a.currency = b.currency AND a.live = b.live
     WHERE coalesce(b.held, 0) <> coalesce(a.needed, 0)""")

PLACES = Check(
    "places, slots and counters agree with open assignments",
    "SELECT count(*) FROM requisites",
    """
    SELECT 'requisite ' || r.id || ': ' || r.open_orders || ' slots taken, ' || coalesce(p.places, 0) || ' places, '
               || coalesce(a.open, 0) || ' open assignments'
      FROM requisites r
      LEFT JOIN (SELECT requisite_id, count(*) AS places FROM open_places GROUP BY 1) p ON p.requisite_id = r.id
      LEFT JOIN (SELECT requisite_id, count(*) AS open FROM assignments WHERE state IN ('open', 'lingering')
                  GROUP BY 1) a ON a.requisite_id = r.id
     WHERE r.open_orders <> coalesce(p.places, 0) OR coalesce(p.places, 0) <> coalesce(a.open, 0)""")

CHECKS = (SETTLED_ONCE, ONLY_COMPLETED, HOLDS, PLACES)
for check in CHECKS:
    verify.register(check)
