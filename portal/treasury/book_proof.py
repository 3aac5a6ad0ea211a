"""What the books must say of adjustments, reversals and transfers; part of `flask ledger verify`."""
from portal.ledger import verify
from portal.ledger.verify import Check

# What each entry of a kind did to each account, credit minus debit.
_NET = """(SELECT e.id, e.kind, e.reference, e.reverses_id, a.id AS account_id, a.owner_kind, a.owner_id, a.purpose,
                  p.currency, p.live, sum(p.signed) AS net
             FROM journal_entries e
             JOIN (SELECT entry_id, debit_id AS account_id, currency, live, -amount_minor AS signed FROM postings
                   UNION ALL
                   SELECT entry_id, credit_id, currency, live, amount_minor FROM postings) p ON p.entry_id = e.id
             JOIN accounts a ON a.id = p.account_id WHERE e.kind = '{}' GROUP BY e.id, a.id, p.currency, p.live)"""

# What suspense laid out for an owner who had spent it stands in a claim of the same approval.
ADJUSTED = Check(
    "every approved adjustment stands in the books once, as it was approved, and no other",
    "SELECT count(*) FROM adjustments",
    f"""
    SELECT 'adjustment ' || d.id || ' is ' || d.status || ': ' || coalesce(n.net, 0) || ' posted and '
               || coalesce(q.amount_minor, 0) || ' claimed of ' || d.amount_minor
      FROM adjustments d LEFT JOIN claims q ON q.reference = d.approval_id
      LEFT JOIN {_NET.format('adjustment')} n ON n.reference = d.approval_id AND n.owner_kind = d.owner_kind
       AND n.owner_id = d.owner_id AND n.currency = d.currency AND n.live
       AND n.purpose = CASE d.owner_kind WHEN 'platform' THEN 'fees' WHEN 'world' THEN 'external' ELSE 'available' END
     WHERE coalesce(n.net, 0) - coalesce(q.amount_minor, 0)
           <> CASE WHEN d.status = 'posted' THEN d.amount_minor ELSE 0 END
    UNION ALL
    SELECT 'entry ' || e.id || ' adjusts what nobody approved' FROM journal_entries e
     WHERE e.kind = 'adjustment' AND NOT EXISTS (
           SELECT FROM adjustments d WHERE d.approval_id = e.reference AND d.status = 'posted')""")

REVERSED = Check(
    "every reversal mirrors the entry that it names",
    "SELECT count(*) FROM journal_entries WHERE kind = 'reversal'",
    """
    SELECT 'entry ' || m.id || ' is no mirror of entry ' || m.reverses_id || ': account ' || m.account_id
               || ' is left with ' || m.left_over
      FROM (SELECT r.id, r.reverses_id, r.reference, p.account_id, sum(p.signed) AS left_over
              FROM (SELECT id, reverses_id, reference FROM journal_entries WHERE kind = 'reversal') r
             CROSS JOIN LATERAL (
                   SELECT debit_id AS account_id, -amount_minor AS signed FROM postings
                    WHERE entry_id IN (r.id, r.reverses_id)
                   UNION ALL
                   SELECT credit_id, amount_minor FROM postings WHERE entry_id IN (r.id, r.reverses_id)) p
             GROUP BY r.id, r.reverses_id, r.reference, p.account_id) m
      JOIN accounts a ON a.id = m.account_id LEFT JOIN claims q ON q.reference = m.reference
     WHERE m.left_over <> CASE
               WHEN a.owner_kind = 'platform' AND a.purpose = 'suspense' THEN -coalesce(q.amount_minor, 0)
               WHEN a.owner_kind = q.owner_kind AND a.owner_id = q.owner_id AND a.purpose = 'available'
               THEN q.amount_minor ELSE 0 END
    UNION ALL
    SELECT 'entry ' || r.id || ' reverses a ' || o.kind FROM journal_entries r
      JOIN journal_entries o ON o.id = r.reverses_id
     WHERE o.kind NOT IN ('deposit', 'adjustment', 'transfer', 'payout_release')""")

TRANSFERRED = Check(
    "every transfer moves its amount from one store of a merchant to another, once",
    "SELECT count(*) FROM transfers",
    f"""
    SELECT 'transfer ' || t.id || ': ' || coalesce(-f.net, 0) || ' left, ' || coalesce(i.net, 0) || ' came, of '
               || t.amount_minor || CASE WHEN s.merchant_id <> o.merchant_id THEN ', between two merchants' ELSE '' END
      FROM transfers t JOIN stores s ON s.id = t.from_store_id JOIN stores o ON o.id = t.to_store_id
      LEFT JOIN {_NET.format('transfer')} f ON f.reference = t.id AND f.owner_id = t.from_store_id
       AND f.purpose = 'available' AND f.currency = t.currency AND f.live
      LEFT JOIN {_NET.format('transfer')} i ON i.reference = t.id AND i.owner_id = t.to_store_id
       AND i.purpose = 'available' AND i.currency = t.currency AND i.live
     WHERE coalesce(-f.net, 0) <> t.amount_minor OR coalesce(i.net, 0) <> t.amount_minor
        OR s.merchant_id <> o.merchant_id
    UNION ALL
    SELECT 'entry ' || e.id || ' is a transfer that nobody made' FROM journal_entries e
     WHERE e.kind = 'transfer' AND NOT EXISTS (SELECT FROM transfers t WHERE t.id = e.reference)""")

CHECKS = (ADJUSTED, REVERSED, TRANSFERRED)
for check in CHECKS:
    verify.register(check)
