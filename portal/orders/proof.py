"""What the books must say of orders; part of `flask ledger verify`."""
from portal.ledger import verify
from portal.ledger.verify import Check

# Of the store's and the trader's accounts together, so that it holds for both directions. Fees may gain (F > R) or lose
# (F < R): what they lost is counted against them.
_SETTLES = "(SELECT direction, direction || '_settle' AS kind, flow FROM direction_rules) k"
_GOT = ", ".join(
    f"coalesce(sum(p.amount_minor) FILTER (WHERE c.owner_kind = '{owner}'), 0)"
    f" - coalesce(sum(p.amount_minor) FILTER (WHERE d.owner_kind = '{owner}'), 0) AS {owner}"
    for owner in ("store", "trader", "platform"))
SETTLED_ONCE = Check(
    "every completed order is settled once, by its final amounts",
    "SELECT count(*) FROM orders WHERE status = 'completed'",
    f"""
    SELECT 'order ' || o.id || ': ' || CASE WHEN s.entries IS NULL THEN 'no settle entry'
               ELSE s.entries || ' settle entry, store, trader and desk got ' || s.store || ', ' || s.trader || ', '
                    || s.platform || ' instead of ' || w.store || ', ' || w.trader || ', ' || w.platform END
      FROM orders o JOIN {_SETTLES} ON k.direction = o.direction
     CROSS JOIN LATERAL (SELECT k.flow * o.final_settlement_minor - o.final_fee_minor AS store,
                                o.final_reward_minor - k.flow * o.final_settlement_minor AS trader,
                                o.final_fee_minor - o.final_reward_minor AS platform) w
      LEFT JOIN (SELECT e.reference, e.kind, count(DISTINCT e.id) AS entries, {_GOT}
                   FROM journal_entries e JOIN postings p ON p.entry_id = e.id
                   JOIN accounts c ON c.id = p.credit_id JOIN accounts d ON d.id = p.debit_id
                  WHERE e.kind IN (SELECT kind FROM {_SETTLES})
                  GROUP BY e.reference, e.kind) s ON s.reference = o.id AND s.kind = k.kind
     WHERE o.status = 'completed'
       AND (s.entries IS DISTINCT FROM 1 OR s.store IS DISTINCT FROM w.store OR s.trader IS DISTINCT FROM w.trader
            OR s.platform IS DISTINCT FROM w.platform)""")

AS_FROZEN = Check(
    "what was paid exactly is settled by what was frozen at creation and assignment",
    "SELECT count(*) FROM orders WHERE exactness = 'exact'",
    """
    SELECT 'order ' || o.id || ': final amounts ' || o.final_settlement_minor || ', ' || o.final_fee_minor || ', '
               || o.final_reward_minor || ' instead of ' || o.settlement_minor || ', ' || o.fee_minor || ', '
               || coalesce(a.reward_minor, 0)
      FROM orders o LEFT JOIN assignments a
        ON a.order_id = o.id AND (a.state = 'chosen' OR a.end_reason = 'settled')
     WHERE o.exactness = 'exact' AND (o.final_settlement_minor, o.final_fee_minor, o.final_reward_minor)
           IS DISTINCT FROM (o.settlement_minor, o.fee_minor, a.reward_minor)""")

ONLY_COMPLETED = Check(
    "only completed orders are settled",
    f"SELECT count(*) FROM journal_entries WHERE kind IN (SELECT kind FROM {_SETTLES})",
    f"""
    SELECT 'entry ' || e.id || ' settles order ' || e.reference || ', which is ' || coalesce(o.status, 'missing')
      FROM journal_entries e JOIN {_SETTLES} ON k.kind = e.kind
      LEFT JOIN orders o ON o.id = e.reference AND o.direction = k.direction
     WHERE o.status IS DISTINCT FROM 'completed'""")

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
                    AND o.direction IN (SELECT direction FROM direction_rules WHERE needs_collateral)
                  GROUP BY 1, 2, 3) a ON a.trader_id = b.owner_id AND a.currency = b.currency AND a.live = b.live
     WHERE coalesce(b.held, 0) <> coalesce(a.needed, 0)""")

_COVERED = "SELECT direction FROM direction_rules WHERE flow < 0"
COVERS = Check(
    "what stores have held is the cover of their payouts not ended",
    f"SELECT count(*) FROM orders WHERE direction IN ({_COVERED}) AND ended_at IS NULL",
    f"""
    SELECT 'store ' || coalesce(b.owner_id, o.store_id) || ' ' || coalesce(b.currency, o.currency) || ': held '
               || coalesce(b.held, 0) || ', payouts need ' || coalesce(o.needed, 0)
      FROM (SELECT c.owner_id, c.currency, c.live, x.credits_minor - x.debits_minor AS held
              FROM accounts c JOIN balances x ON x.account_id = c.id
             WHERE c.owner_kind = 'store' AND c.purpose = 'held') b
      FULL JOIN (SELECT store_id, settlement_currency AS currency, live, sum(settlement_minor + fee_minor) AS needed
                   FROM orders WHERE direction IN ({_COVERED}) AND ended_at IS NULL
                  GROUP BY 1, 2, 3) o ON o.store_id = b.owner_id AND o.currency = b.currency AND o.live = b.live
     WHERE coalesce(b.held, 0) <> coalesce(o.needed, 0)""")

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

CHECKS = (SETTLED_ONCE, AS_FROZEN, ONLY_COMPLETED, HOLDS, COVERS, PLACES, SLOTS, STANDING)
for check in CHECKS:
    verify.register(check)
