"""What the books must say of deposits and withdrawals; part of `flask ledger verify`.

That open withdrawals are held is part of the orders' checks of what is held (view `withdrawals_held`).
"""
from portal.ledger import verify
from portal.ledger.verify import Check

# Postings of treasury entries, with the accounts they move: a joint look at each entry's one line.
_POSTED = """(SELECT e.kind, e.reference, d.owner_kind AS from_kind, d.owner_id AS from_id, d.purpose AS from_purpose,
                     c.owner_kind AS to_kind, c.owner_id AS to_id, c.purpose AS to_purpose, p.currency, p.amount_minor
                FROM journal_entries e JOIN postings p ON p.entry_id = e.id JOIN accounts d ON d.id = p.debit_id
                JOIN accounts c ON c.id = p.credit_id WHERE p.live)"""

WITHDRAWN = Check(
    "every withdrawal is held, and leaves or returns once, as it ended",
    "SELECT count(*) FROM withdrawals",
    f"""
    SELECT 'withdrawal ' || w.id || ' is ' || w.status || ': held ' || coalesce(p.held, 0) || ', left '
               || coalesce(p.left_desk, 0) || ', returned ' || coalesce(p.returned, 0) || ' of ' || w.amount_minor
      FROM withdrawals w
      LEFT JOIN LATERAL (
        SELECT sum(amount_minor) FILTER (WHERE kind = 'withdrawal_hold' AND from_kind = w.owner_kind
                 AND from_id = w.owner_id AND from_purpose = 'available' AND to_kind = w.owner_kind
                 AND to_id = w.owner_id AND to_purpose = 'held') AS held,
               sum(amount_minor) FILTER (WHERE kind = 'withdrawal_settle' AND from_kind = w.owner_kind
                 AND from_id = w.owner_id AND from_purpose = 'held' AND to_purpose = 'external') AS left_desk,
               sum(amount_minor) FILTER (WHERE kind = 'withdrawal_release' AND from_kind = w.owner_kind
                 AND from_id = w.owner_id AND from_purpose = 'held' AND to_kind = w.owner_kind
                 AND to_id = w.owner_id AND to_purpose = 'available') AS returned
          FROM {_POSTED} p WHERE p.reference = w.id AND p.currency = w.currency) p ON true
     WHERE coalesce(p.held, 0) <> w.amount_minor
        OR coalesce(p.left_desk, 0) <> CASE WHEN w.status = 'sent' THEN w.amount_minor ELSE 0 END
        OR coalesce(p.returned, 0) <> CASE WHEN w.status IN ('refused', 'cancelled', 'released')
                                           THEN w.amount_minor ELSE 0 END""")

OF_WITHDRAWALS = Check(
    "only withdrawals move money as withdrawals do",
    "SELECT count(*) FROM journal_entries WHERE kind IN ('withdrawal_hold', 'withdrawal_release', 'withdrawal_settle')",
    """
    SELECT 'entry ' || e.id || ' is a ' || e.kind || ' of no withdrawal' FROM journal_entries e
     WHERE e.kind IN ('withdrawal_hold', 'withdrawal_release', 'withdrawal_settle')
       AND NOT EXISTS (SELECT FROM withdrawals w WHERE w.id = e.reference)""")

DEPOSITED = Check(
    "every deposit that counts stands in the books once, and no other",
    "SELECT count(*) FROM deposits",
    f"""
    SELECT 'deposit ' || d.id || ' is ' || d.status || ': ' || coalesce(p.credited, 0) || ' came in of '
               || d.amount_minor
      FROM deposits d
      LEFT JOIN LATERAL (
        SELECT sum(amount_minor) AS credited FROM {_POSTED} p
         WHERE p.kind = 'deposit' AND p.reference = d.approval_id AND p.currency = d.currency
           AND p.to_kind = d.owner_kind AND p.to_id = d.owner_id AND p.to_purpose = 'available') p ON true
     WHERE coalesce(p.credited, 0) <> CASE WHEN d.status = 'credited' THEN d.amount_minor ELSE 0 END""")

CHECKS = (WITHDRAWN, OF_WITHDRAWALS, DEPOSITED)
for check in CHECKS:
    verify.register(check)
