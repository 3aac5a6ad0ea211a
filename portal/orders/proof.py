"""What the books must say of orders; part of `flask ledger verify`."""
from portal.ledger import verify
from portal.ledger.verify import Check

# Fees may gain (F > R) or lose (F < R): what they lost is counted against them.
SETTLED_ONCE = Check(
    "every completed payin is settled once, by its final amounts",
    "SELECT count(*) FROM orders WHERE status = 'completed' AND direction = 'payin'",
    """
    SELECT 'order ' || o.id || ': ' || CASE WHEN s.entries IS NULL THEN 'no settle entry'
               ELSE s.entries || ' settle entry, store, trader and desk got ' || s.net || ', ' || s.reward || ', '
                    || s.fees || ' instead of ' || (o.settlement_minor - o.fee_minor) || ', '
                    || coalesce(a.reward_minor, 0) || ', ' || (o.fee_minor - coalesce(a.reward_minor, 0)) END
      FROM orders o
      LEFT JOIN (SELECT order_id, reward_minor FROM assignments WHERE end_reason = 'settled') a ON a.order_id = o.id
      LEFT JOIN (SELECT e.reference, count(DISTINCT e.id) AS entries,
                        coalesce(sum(p.amount_minor) FILTER (WHERE c.owner_kind = 'store'), 0) AS net,
                        coalesce(sum(p.amount_minor) FILTER (WHERE c.owner_kind = 'trader'), 0) AS reward,
                        coalesce(sum(p.amount_minor) FILTER (WHERE c.owner_kind = 'platform'), 0)
                          - coalesce(sum(p.amount_minor) FILTER (WHERE d.owner_kind = 'platform'), 0) AS fees
                   FROM journal_entries e JOIN postings p ON p.entry_id = e.id
                   JOIN accounts c ON c.id = p.credit_id JOIN accounts d ON d.id = p.debit_id
                  WHERE e.kind = 'payin_settle' GROUP BY e.reference) s ON s.reference = o.id
     WHERE o.status = 'completed' AND o.direction = 'payin'
       AND (s.entries IS DISTINCT FROM 1 OR s.net <> o.settlement_minor - o.fee_minor
            OR s.reward IS DISTINCT FROM a.reward_minor OR s.fees IS DISTINCT FROM o.fee_minor - a.reward_minor)""")

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

SLOTS = Check(
    "traders' open orders agree with their places",
    "SELECT count(*) FROM traders",
    """
    SELECT 'trader ' || t.id || ': ' || t.open_orders || ' open orders counted, ' || coalesce(p.places, 0) || ' places'
      FROM traders t
      LEFT JOIN (SELECT trader_id, count(*) AS places FROM open_places GROUP BY 1) p ON p.trader_id = t.id
     WHERE t.open_orders <> coalesce(p.places, 0)""")

# Of orders that hold something, or should; ended ones without anything open are not looked through.
STANDING = Check(
    "orders and their assignments stand at the same point",
    "SELECT count(*) FROM assignments WHERE state <> 'ended'",
    """
    SELECT 'order ' || o.id || ' is ' || o.status || ', its assignment ' || a.id || ' ' || a.state
      FROM assignments a JOIN orders o ON o.id = a.order_id
     WHERE a.state <> 'ended' AND (CASE a.state WHEN 'chosen' THEN o.status NOT IN ('confirmed', 'disputed')
                                                WHEN 'open' THEN o.status NOT IN ('assigned', 'paid', 'disputed')
                                                ELSE o.status IN ('cancelled', 'expired', 'failed', 'completed') END)
    UNION ALL
    SELECT 'order ' || o.id || ' is ' || o.status || ' without an assignment'
      FROM orders o WHERE o.status IN ('assigned', 'paid', 'confirmed')
       AND NOT EXISTS (SELECT 1 FROM assignments a WHERE a.order_id = o.id AND a.state IN ('open', 'chosen'))""")

CHECKS = (SETTLED_ONCE, ONLY_COMPLETED, HOLDS, PLACES, SLOTS, STANDING)
for check in CHECKS:
    verify.register(check)
