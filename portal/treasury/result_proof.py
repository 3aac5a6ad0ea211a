"""Every finished day of the desk's result is what its fees accounts moved; part of `flask ledger verify`."""
from portal.ledger import verify
from portal.ledger.verify import Asked, Check

# Days are without a gap, so that the day of a posting is found by when each began.
_DIFFERING = """
    WITH days AS (
        SELECT * FROM result_days WHERE computed_at >= ended_at + interval '10 minutes' {since}
    ), begun AS (
        SELECT array_agg(began_at ORDER BY day) AS at, array_agg(day ORDER BY day) AS days, min(began_at) AS first,
               max(ended_at) AS last FROM days
    ), moved AS (
        SELECT b.days[width_bucket(e.posted_at, b.at)] AS day, p.live, p.currency,
               sum(CASE WHEN x.id = p.credit_id THEN p.amount_minor ELSE -p.amount_minor END) AS minor
          FROM begun b
          JOIN journal_entries e ON e.posted_at >= b.first AND e.posted_at < b.last
           AND e.kind !~ '_(hold|release|topup)$'
          JOIN postings p ON p.entry_id = e.id
          JOIN accounts x ON x.owner_kind = 'platform' AND x.owner_id = '00000000-0000-0000-0000-000000000000'
           AND x.purpose = 'fees' AND x.id IN (p.debit_id, p.credit_id)
         GROUP BY 1, 2, 3
    ), added AS (
        SELECT l.day, l.live, l.currency, sum(l.fee_minor - l.reward_minor + l.other_minor) AS minor
          FROM result_lines l JOIN days USING (day) GROUP BY 1, 2, 3
    )
    SELECT 'day ' || coalesce(a.day, m.day) || ': ' || coalesce(a.currency, m.currency) || ' '
               || CASE WHEN coalesce(a.live, m.live) THEN 'live' ELSE 'test' END || ' added up to '
               || coalesce(a.minor, 0) || ', fees moved ' || coalesce(m.minor, 0)
      FROM added a FULL JOIN moved m ON m.day = a.day AND m.live = a.live AND m.currency = a.currency
     WHERE coalesce(a.minor, 0) <> coalesce(m.minor, 0)"""
_SINCE = "AND ended_at > coalesce((SELECT posted_at FROM journal_entries WHERE id = :entry), '-infinity')"

ADDED_UP = Check(
    "the desk's result of every finished day is what its fees moved",
    "SELECT count(*) FROM result_days WHERE computed_at >= ended_at + interval '10 minutes'",
    _DIFFERING.format(since=""),
    Asked(f"SELECT count(*) FROM result_days WHERE computed_at >= ended_at + interval '10 minutes' {_SINCE}",
          _DIFFERING.format(since=_SINCE)))

CHECKS = (ADDED_UP,)
for check in CHECKS:
    verify.register(check)
