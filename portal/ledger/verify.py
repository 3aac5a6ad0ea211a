"""The proof of the books: everything recomputed from the postings, on a live desk, in one snapshot.

A check is two statements of SQL, so that no history is ever loaded: how many it examined, and what differs, in words.
Nouns register theirs (`orders/proof.py`).
"""
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

SHOWN_MAX = 50  # differences told per check; one is enough for alarm


@dataclass(frozen=True)
class Check:
    """`examined`: SQL giving one number. `differing`: SQL giving one text column, a row per difference."""

    name: str
    examined: str
    differing: str


@dataclass(frozen=True)
class Result:
    name: str
    examined: int
    differences: Sequence[str]


@dataclass(frozen=True)
class Report:
    results: Sequence[Result]

    @property
    def checks(self) -> list[str]:
        return [result.name for result in self.results]

    @property
    def differences(self) -> list[str]:
        return [f"{result.name}: {difference}" for result in self.results for difference in result.differences]

    @property
    def holds(self) -> bool:
        return not self.differences


_registered: dict[str, Check] = {}


def register(check: Check) -> None:
    """A noun adds its own proof to `flask ledger verify`."""
    assert check.name not in _registered or _registered[check.name] == check
    _registered[check.name] = check


def run(session: Session, checks: Sequence[Check] | None = None) -> Report:
    """Do these checks (None: the ledger's own and all registered) on one REPEATABLE READ snapshot of a live desk.

    Takes no locks, writes nothing.
    The session must not have begun a transaction; it has none afterwards.
    """
    assert not session.in_transaction(), "a snapshot is taken at the beginning"
    session.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
    try:
        # the whole history takes longer than a page may
        session.execute(text("SELECT set_config('statement_timeout', '0', true),"
                             " set_config('idle_in_transaction_session_timeout', '0', true)"))
        return Report([_do(session, check) for check in checks or (*OWN, *_registered.values())])
    finally:
        session.rollback()


def _do(session: Session, check: Check) -> Result:
    differences = session.scalars(text(f"SELECT * FROM ({check.differing}) AS difference LIMIT {SHOWN_MAX}")).all()
    return Result(check.name, session.scalar(text(check.examined)) or 0, differences)


# Each posting seen from both of its accounts.
SIDES = """SELECT debit_id AS account_id, id, currency, live, amount_minor AS debit, 0 AS credit,
                  debit_after_minor AS after FROM postings
           UNION ALL
           SELECT credit_id, id, currency, live, 0, amount_minor, credit_after_minor FROM postings"""

OWN = (
    Check("every account has its balance", "SELECT count(*) FROM accounts", """
        SELECT format('account %s has no balance', id) FROM accounts a
         WHERE NOT EXISTS (SELECT FROM balances b WHERE b.account_id = a.id)"""),
    Check("every balance is the sum of its postings", "SELECT count(*) FROM balances", f"""
        SELECT format('account %s keeps %s debits and %s credits, its postings come to %s and %s', account_id,
                      coalesce(b.debits_minor, 0), coalesce(b.credits_minor, 0),
                      coalesce(s.debits, 0), coalesce(s.credits, 0))
          FROM balances b FULL JOIN (SELECT account_id, sum(debit) AS debits, sum(credit) AS credits
                                       FROM ({SIDES}) AS side GROUP BY account_id) AS s USING (account_id)
         WHERE coalesce(b.debits_minor, 0) <> coalesce(s.debits, 0)
            OR coalesce(b.credits_minor, 0) <> coalesce(s.credits, 0)"""),
    Check("every running balance follows from the one before", "SELECT 2 * count(*) FROM postings", f"""
        SELECT format('posting %s leaves account %s at %s, the lines before it come to %s', id, account_id,
                      after, expected)
          FROM (SELECT account_id, id, after,
                       sum(credit - debit) OVER (PARTITION BY account_id ORDER BY id) AS expected
                  FROM ({SIDES}) AS side) AS running
         WHERE after <> expected"""),
    Check("debits equal credits in every currency and mode",
          "SELECT count(*) FROM (SELECT DISTINCT currency, live FROM accounts) AS books", """
        SELECT format('%s %s: %s debits, %s credits', currency, CASE WHEN live THEN 'live' ELSE 'test' END,
                      sum(debits_minor), sum(credits_minor))
          FROM balances JOIN accounts ON accounts.id = account_id
         GROUP BY currency, live HAVING sum(debits_minor) <> sum(credits_minor)"""),
    Check("every posting stays within the currency and mode of its accounts", "SELECT 2 * count(*) FROM postings", f"""
        SELECT format('posting %s in %s %s touches account %s', side.id, side.currency,
                      CASE WHEN side.live THEN 'live' ELSE 'test' END, account_id)
          FROM ({SIDES}) AS side LEFT JOIN accounts a ON a.id = account_id
         WHERE a.id IS NULL OR a.currency <> side.currency OR a.live <> side.live"""),
    Check("every entry has postings, every posting has its entry", "SELECT count(*) FROM journal_entries", """
        SELECT format('entry %s has no posting', id) FROM journal_entries e
         WHERE NOT EXISTS (SELECT FROM postings p WHERE p.entry_id = e.id)
        UNION ALL
        SELECT format('posting %s has no entry', id) FROM postings p
         WHERE NOT EXISTS (SELECT FROM journal_entries e WHERE e.id = p.entry_id)"""),
    Check("every event stands in the journal once", "SELECT count(*) FROM journal_entries", """
        SELECT format('%s entries %s for %s', count(*), kind, reference) FROM journal_entries
         GROUP BY kind, reference HAVING count(*) > 1"""),
    Check("only the desk and the outside world may go below zero", "SELECT count(*) FROM balances", """
        SELECT format('account %s of a %s stands at %s%s', account_id, owner_kind, credits_minor - debits_minor,
                      CASE WHEN may_overdraw THEN ' and may overdraw' ELSE '' END)
          FROM balances JOIN accounts ON accounts.id = account_id
         WHERE owner_kind NOT IN ('platform', 'world') AND (may_overdraw OR credits_minor < debits_minor)"""),
)
