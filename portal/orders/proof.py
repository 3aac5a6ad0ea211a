"""What the books must say of orders; part of `flask ledger verify`."""
from portal.ledger import verify
from portal.ledger.verify import Asked, Check

# Those that took a step: what is said of all orders is said of these alone in between.
_STEPPED = "SELECT order_id FROM order_events WHERE id >= :event"


def _of_stepped(sql: str, **also: str) -> Asked:
    """The check of the orders that took a step. `also`: what narrows its parts, where the whole says `true`."""
    return Asked(f"SELECT count(*) FROM ({_STEPPED} GROUP BY 1) AS stepped",
                 sql.format(orders=f"o.id IN ({_STEPPED})", **also))


# Of the store's and the trader's accounts together, so that it holds for both directions. Fees may gain (F > R) or lose
# (F < R): what they lost is counted against them.
_SETTLES = "(SELECT direction, direction || '_settle' AS kind, flow FROM direction_rules) k"
_GOT = ", ".join(
    f"coalesce(sum(p.amount_minor) FILTER (WHERE c.owner_kind = '{owner}'), 0)"
    f" - coalesce(sum(p.amount_minor) FILTER (WHERE d.owner_kind = '{owner}'), 0) AS {owner}"
    for owner in ("store", "trader", "platform"))
_SETTLED_ONCE = f"""
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
                  WHERE e.kind IN (SELECT kind FROM {_SETTLES}) AND {{entries}}
                  GROUP BY e.reference, e.kind) s ON s.reference = o.id AND s.kind = k.kind
      LEFT JOIN (SELECT n.order_id, {_GOT}
                   FROM settle_corrections n
                   JOIN journal_entries e ON e.kind = 'settle_correction' AND e.reference = n.id
                   JOIN postings p ON p.entry_id = e.id
                   JOIN accounts c ON c.id = p.credit_id JOIN accounts d ON d.id = p.debit_id
                  GROUP BY n.order_id) x ON x.order_id = o.id
      LEFT JOIN (SELECT n.order_id,  -- what suspense laid out for them
                        coalesce(sum(q.amount_minor) FILTER (WHERE q.owner_kind = 'store'), 0) AS store,
                        coalesce(sum(q.amount_minor) FILTER (WHERE q.owner_kind = 'trader'), 0) AS trader
                   FROM settle_corrections n JOIN claims q ON q.reference = n.id
                  GROUP BY n.order_id) y ON y.order_id = o.id
     WHERE o.status = 'completed' AND {{orders}}
       AND (s.entries IS DISTINCT FROM 1
            OR s.store + coalesce(x.store - coalesce(y.store, 0), 0) IS DISTINCT FROM w.store
            OR s.trader + coalesce(x.trader - coalesce(y.trader, 0), 0) IS DISTINCT FROM w.trader
            OR s.platform + coalesce(x.platform + coalesce(y.store + y.trader, 0), 0)
               IS DISTINCT FROM w.platform)"""
SETTLED_ONCE = Check(
    "every completed order is settled once, and what was posted comes to its final amounts",
    "SELECT count(*) FROM orders WHERE status = 'completed'", _SETTLED_ONCE.format(orders="true", entries="true"),
    changed=_of_stepped(_SETTLED_ONCE, entries=f"e.reference IN ({_STEPPED})"))

_AS_FROZEN = """
    SELECT 'order ' || o.id || ': final amounts ' || o.final_settlement_minor || ', ' || o.final_fee_minor || ', '
               || o.final_reward_minor || ' instead of ' || o.settlement_minor || ', ' || o.fee_minor || ', '
               || coalesce(a.reward_minor, 0)
      FROM orders o LEFT JOIN assignments a
        ON a.order_id = o.id AND (a.state = 'chosen' OR a.end_reason = 'settled')
     WHERE o.exactness = 'exact' AND o.amount_to_pay_minor = o.amount_minor AND {orders}
       AND o.final_settlement_minor IS NOT NULL  -- it came, and waits for a person
       AND (o.final_settlement_minor, o.final_fee_minor, o.final_reward_minor)
           IS DISTINCT FROM (o.settlement_minor, o.fee_minor, a.reward_minor)"""
AS_FROZEN = Check(
    "what was paid exactly is settled by what was frozen at creation and assignment",
    "SELECT count(*) FROM orders WHERE exactness = 'exact'", _AS_FROZEN.format(orders="true"),
    changed=_of_stepped(_AS_FROZEN))

_ONLY_COMPLETED = f"""
    SELECT 'entry ' || e.id || ' settles order ' || e.reference || ', which is ' || coalesce(o.status, 'missing')
      FROM journal_entries e JOIN {_SETTLES} ON k.kind = e.kind
      LEFT JOIN orders o ON o.id = e.reference AND o.direction = k.direction
     WHERE o.status IS DISTINCT FROM 'completed' AND {{entries}}"""
_OF_SETTLES = f"SELECT count(*) FROM journal_entries WHERE kind IN (SELECT kind FROM {_SETTLES})"
ONLY_COMPLETED = Check(
    "only completed orders are settled", _OF_SETTLES, _ONLY_COMPLETED.format(entries="true"),
    changed=Asked(f"{_OF_SETTLES} AND id > :entry", _ONLY_COMPLETED.format(entries="e.id > :entry")))

# What owners have held, less what withdrawals keep of it (migrations/sql/treasury.sql).
_HELD = """(SELECT c.owner_id, c.currency, c.live, x.credits_minor - x.debits_minor - coalesce(w.held_minor, 0) AS held
              FROM accounts c JOIN balances x ON x.account_id = c.id
              LEFT JOIN withdrawals_held w ON c.live AND w.owner_kind = c.owner_kind AND w.owner_id = c.owner_id
               AND w.currency = c.currency
             WHERE c.owner_kind = '{}' AND c.purpose = 'held') b"""
HOLDS = Check(
    "held collateral equals the holds of assignments not ended",
    "SELECT count(*) FROM assignments WHERE state <> 'ended'",
    f"""
    SELECT 'trader ' || coalesce(b.owner_id, a.trader_id) || ' ' || coalesce(b.currency, a.currency) || ': held '
               || coalesce(b.held, 0) || ', assignments need ' || coalesce(a.needed, 0)
      FROM {_HELD.format('trader')}
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
      FROM {_HELD.format('store')}
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
    SELECT 'trader ' || t.id || ': ' || t.open_orders || ' open orders counted, ' || coalesce(p.places, 0)
               || ' places; ' || t.open_minor || ' open, places come to ' || coalesce(p.minor, 0)
      FROM traders t
      LEFT JOIN (SELECT trader_id, count(*) AS places, sum(settlement_minor) AS minor
                   FROM open_places GROUP BY 1) p ON p.trader_id = t.id
     WHERE t.open_orders <> coalesce(p.places, 0) OR t.open_minor <> coalesce(p.minor, 0)""")

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

CORRECTED = Check(
    "every correction says what it changed an order's final amounts by",
    "SELECT count(*) FROM settle_corrections",
    """
    SELECT 'order ' || o.id || ': final amounts ' || o.final_settlement_minor || ', ' || o.final_fee_minor || ', '
               || o.final_reward_minor || ', what arrived and its corrections received ' || n.received
      FROM orders o JOIN (SELECT order_id, (array_agg(received_minor ORDER BY id DESC))[1] AS received
                            FROM settle_corrections GROUP BY 1) n ON n.order_id = o.id
     WHERE o.amount_received_minor IS DISTINCT FROM n.received""")

CHECKS = (SETTLED_ONCE, CORRECTED, AS_FROZEN, ONLY_COMPLETED, HOLDS, COVERS, PLACES, SLOTS, STANDING)
for check in CHECKS:
    verify.register(check)
