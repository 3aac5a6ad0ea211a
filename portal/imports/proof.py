"""What the books must say of opening balances; part of `flask ledger verify`."""
from portal.ledger import verify
from portal.ledger.verify import Check

OPENED_ONCE = Check(
    "every applied file of opening balances is one entry against suspense, row by row",
    "SELECT count(*) FROM imports WHERE sheet = 'balances' AND state = 'applied'",
    """
    SELECT 'import ' || coalesce(i.id, e.reference) || ': ' || coalesce(e.lines, 0) || ' postings of '
               || coalesce(e.sums::text, '{}') || ' instead of ' || coalesce(i.rows, 0) || ' of '
               || coalesce(i.sums::text, '{}')
      FROM (SELECT id, rows, sums FROM imports WHERE sheet = 'balances' AND state = 'applied') i
      FULL JOIN (SELECT reference, sum(lines) AS lines, jsonb_object_agg(currency, sum) AS sums,
                        bool_and(placed) AS placed
                   FROM (SELECT j.reference, p.currency, count(*) AS lines, sum(p.amount_minor) AS sum,
                                bool_and(d.owner_kind = 'platform' AND d.purpose = 'suspense'
                                         AND c.purpose = 'available') AS placed
                           FROM journal_entries j JOIN postings p ON p.entry_id = j.id
                           JOIN accounts d ON d.id = p.debit_id JOIN accounts c ON c.id = p.credit_id
                          WHERE j.kind = 'opening_balance' GROUP BY 1, 2) of_currency
                  GROUP BY reference) e ON e.reference = i.id
     WHERE i.id IS NULL OR e.reference IS NULL OR e.lines <> i.rows OR e.sums <> i.sums OR NOT e.placed""")
verify.register(OPENED_ONCE)
