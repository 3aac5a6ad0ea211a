"""The proof of the books: recomputed from the postings, on a live desk, in one snapshot.

A check is two statements of SQL, so that no history is ever loaded: how many it examined, and what differs, in words.
Nouns register theirs (`orders/proof.py`). The whole is proved once a day; in between, of checks that look through the
history, only what has changed since the proof before.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core import ids
from portal.core.snapshot import snapshot

Scope = Literal["full", "changed", "audit"]
SHOWN_MAX = 50  # differences told per check; one is enough for alarm
OVERLAP = timedelta(minutes=10)  # longer than any transaction: what took its id before the mark and committed after it


@dataclass(frozen=True)
class Asked:
    """`examined`: SQL giving one number. `differing`: SQL giving one text column, a row per difference, each beginning
    with what it is about, a noun and its id: `order 0195…: …`."""

    examined: str
    differing: str


@dataclass(frozen=True)
class Check:
    """`changed`: the same of what has changed only, for checks that look through the history. It may name :entry
    (journal entries above it), :posting (postings from it on) and :event (order events from it on)."""

    name: str
    examined: str
    differing: str
    changed: Asked | None = None


@dataclass(frozen=True)
class Result:
    """`whole`: everything the check is about was examined, so that what it does not name is right."""

    name: str
    examined: int
    differences: Sequence[str]
    whole: bool = True


@dataclass(frozen=True)
class Report:
    results: Sequence[Result]
    scope: Scope = "full"

    @property
    def checks(self) -> list[str]:
        return [result.name for result in self.results]

    @property
    def differences(self) -> list[str]:
        return [f"{result.name}: {difference}" for result in self.results for difference in result.differences]

    @property
    def holds(self) -> bool:
        return not self.differences


# the whole history takes longer than a page may, and more room
PATIENCE = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0", "work_mem": "128MB"}
_registered: dict[str, Check] = {}


def register(check: Check) -> None:
    """A noun adds its own proof to `flask ledger verify`."""
    assert check.name not in _registered or _registered[check.name] == check
    _registered[check.name] = check


def all_checks() -> Sequence[Check]:
    """The ledger's own and those of whichever nouns were imported."""
    return (*OWN, *_registered.values())


def run(session: Session, checks: Sequence[Check] | None = None, *, since: datetime | None = None) -> Report:
    """Do these checks (None: the ledger's own and all registered) on one REPEATABLE READ snapshot of a live desk.

    `since`: only what has changed since then, where a check can tell. Takes no locks, writes nothing.
    The session must not have begun a transaction; it has none afterwards.
    """
    snapshot(session)
    try:
        for name, value in PATIENCE.items():
            session.execute(text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value})
        mark = None if since is None else mark_of(session, since - OVERLAP)
        return Report([examine(session, check, mark) for check in checks or all_checks()],
                      "full" if since is None else "changed")
    finally:
        session.rollback()


def mark_of(session: Session, since: datetime) -> dict[str, Any]:
    """Where what was written after `since` begins, by ids: they rise in time."""
    entry = session.scalar(text("SELECT id FROM journal_entries WHERE posted_at < :since ORDER BY id DESC LIMIT 1"),
                           {"since": since}) or 0
    posting = session.scalar(text("SELECT min(id) FROM postings WHERE entry_id > :entry"), {"entry": entry})
    if posting is None:  # nothing was posted: past the last
        posting = (session.scalar(text("SELECT max(id) FROM postings")) or 0) + 1
    return {"entry": entry, "posting": posting, "event": ids.first_of(since)}


def examine(session: Session, check: Check, mark: dict[str, Any] | None = None) -> Result:
    """One check on what this session sees; with a mark, of what was written after it where the check can tell."""
    part = None if mark is None else check.changed
    asked, given = part or check, mark if part else None
    differences = session.scalars(text(f"SELECT * FROM ({asked.differing}) AS difference LIMIT {SHOWN_MAX}"),
                                  given).all()
    return Result(check.name, session.scalar(text(asked.examined), given) or 0, differences, whole=part is None)


# Each posting seen from both of its accounts.
SIDES = """SELECT debit_id AS account_id, id, currency, live, amount_minor AS debit, 0 AS credit,
                  debit_after_minor AS after FROM postings
           UNION ALL
           SELECT credit_id, id, currency, live, 0, amount_minor, credit_after_minor FROM postings"""

OF_POSTINGS = "SELECT 2 * count(*) FROM postings"
OF_NEW_POSTINGS = "SELECT 2 * count(*) FROM postings WHERE id >= :posting"
OF_ENTRIES = "SELECT count(*) FROM journal_entries"
OF_NEW_ENTRIES = "SELECT count(*) FROM journal_entries WHERE id > :entry"
NEW_SIDES = SIDES.replace("FROM postings", "FROM postings WHERE id >= :posting")

# What an account's newest line before a posting left; a probe of each index.
LEFT = """LATERAL (SELECT after FROM (
              (SELECT id, debit_after_minor AS after FROM postings WHERE debit_id = {account} AND id < {before}
                ORDER BY id DESC LIMIT 1)
              UNION ALL
              (SELECT id, credit_after_minor FROM postings WHERE credit_id = {account} AND id < {before}
                ORDER BY id DESC LIMIT 1)) AS newest ORDER BY id DESC LIMIT 1)"""
RUNNING = """
        SELECT format('posting %s leaves account %s at %s, the lines before it come to %s', id, account_id,
                      after, expected)
          FROM ({expected}) AS running
         WHERE after <> expected"""
ASTRAY = """
        SELECT format('posting %s in %s %s touches account %s', side.id, side.currency,
                      CASE WHEN side.live THEN 'live' ELSE 'test' END, account_id)
          FROM ({sides}) AS side LEFT JOIN accounts a ON a.id = account_id
         WHERE a.id IS NULL OR a.currency <> side.currency OR a.live <> side.live"""
ALONE = """
        SELECT format('entry %s has no posting', id) FROM journal_entries e
         WHERE {entries} AND NOT EXISTS (SELECT FROM postings p WHERE p.entry_id = e.id)
        UNION ALL
        SELECT format('posting %s has no entry', id) FROM postings p
         WHERE {postings} AND NOT EXISTS (SELECT FROM journal_entries e WHERE e.id = p.entry_id)"""

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
            OR coalesce(b.credits_minor, 0) <> coalesce(s.credits, 0)""",
        changed=Asked("SELECT count(*) FROM balances", f"""
        SELECT format('account %s keeps %s debits and %s credits, its newest line left it at %s', account_id,
                      debits_minor, credits_minor, coalesce(l.after, 0))
          FROM balances LEFT JOIN {LEFT.format(account="account_id", before=2**63 - 1)} AS l ON true
         WHERE credits_minor - debits_minor <> coalesce(l.after, 0)""")),
    Check("every running balance follows from the one before", OF_POSTINGS, RUNNING.format(expected=f"""
                SELECT account_id, id, after,
                       sum(credit - debit) OVER (PARTITION BY account_id ORDER BY id) AS expected
                  FROM ({SIDES}) AS side"""),
        changed=Asked(OF_NEW_POSTINGS, RUNNING.format(expected=f"""
                SELECT account_id, id, after, credit - debit + coalesce(
                           lag(after) OVER (PARTITION BY account_id ORDER BY id), began_at, 0) AS expected
                  FROM ({NEW_SIDES}) AS side
                  LEFT JOIN (SELECT a.account_id AS began, l.after AS began_at
                               FROM (SELECT DISTINCT account_id FROM ({NEW_SIDES}) AS side) AS a
                              CROSS JOIN {LEFT.format(account="a.account_id", before=":posting")} AS l) AS l
                         ON began = account_id"""))),
    Check("debits equal credits in every currency and mode",
          "SELECT count(*) FROM (SELECT DISTINCT currency, live FROM accounts) AS books", """
        SELECT format('books %s-%s: %s debits, %s credits', currency, CASE WHEN live THEN 'live' ELSE 'test' END,
                      sum(debits_minor), sum(credits_minor))
          FROM balances JOIN accounts ON accounts.id = account_id
         GROUP BY currency, live HAVING sum(debits_minor) <> sum(credits_minor)"""),
    Check("every posting stays within the currency and mode of its accounts", OF_POSTINGS, ASTRAY.format(sides=SIDES),
        changed=Asked(OF_NEW_POSTINGS, ASTRAY.format(sides=NEW_SIDES))),
    Check("every entry has postings, every posting has its entry", OF_ENTRIES,
        ALONE.format(entries="true", postings="true"),
        changed=Asked(OF_NEW_ENTRIES, ALONE.format(entries="e.id > :entry", postings="p.id >= :posting"))),
    Check("every event stands in the journal once", OF_ENTRIES, """
        SELECT format('event %s:%s stands in %s entries', kind, reference, count(*)) FROM journal_entries
         GROUP BY kind, reference HAVING count(*) > 1""",
        changed=Asked(OF_NEW_ENTRIES, """
        SELECT format('event %s:%s stands in %s entries', kind, reference, count(*)) FROM journal_entries
         WHERE (kind, reference) IN (SELECT kind, reference FROM journal_entries WHERE id > :entry)
         GROUP BY kind, reference HAVING count(*) > 1""")),
    Check("only the desk and the outside world may go below zero", "SELECT count(*) FROM balances", """
        SELECT format('account %s of a %s stands at %s%s', account_id, owner_kind, credits_minor - debits_minor,
                      CASE WHEN may_overdraw THEN ' and may overdraw' ELSE '' END)
          FROM balances JOIN accounts ON accounts.id = account_id
         WHERE owner_kind NOT IN ('platform', 'world') AND (may_overdraw OR credits_minor < debits_minor)"""),
)
