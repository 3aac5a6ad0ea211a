"""Posting: the one way into the journal, for one entry or for a batch, in a handful of statements."""
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.core import clock, page_events, pipeline
from portal.core.access import Actor
from portal.core.db import translated
from portal.core.errors import Conflict, Rejected, judges
from portal.core.money import Money
from portal.ledger.accounts import Account, ids_of
from portal.ledger.entries import Draft, accounts_of


class InsufficientFunds(Rejected):
    """The account does not cover this amount."""

    code = "insufficient_funds"

    @classmethod
    def by(cls, lacks: Money, **details: object) -> "InsufficientFunds":
        """Programs are told in minor units and as text, pages write `lacks` as they write money."""
        return cls("", missing_minor=lacks.minor, missing=lacks.text, currency=lacks.currency, lacks=lacks, **details)


class AlreadyPosted(Conflict):
    """This event is in the journal already."""

    code = "already_posted"


judges({"ck_balances_covered": InsufficientFunds, "uq_journal_entries_kind_reference": AlreadyPosted,
        "uq_journal_entries_reverses_id": AlreadyPosted})

# Plain SQL, not `core.db.locked`: no object is loaded that could be stale. In id order, so that two batches never
# wait in a circle; NO KEY, so that postings elsewhere may go on referring to the accounts.
LOCK = ("SELECT account_id, credits_minor - debits_minor, may_overdraw FROM balances"
        " WHERE account_id = ANY(%(ids)s::bigint[]) ORDER BY account_id FOR NO KEY UPDATE")
# Entries, postings and balances of a whole batch in one round trip. Ids follow the order given.
WRITE = """
    WITH entry AS (
        INSERT INTO journal_entries (kind, reference, memo, reverses_id, actor_kind, actor_id, actor_name, posted_at)
        SELECT kind, reference, memo, reverses_id, %(actor_kind)s, CAST(%(actor_id)s AS uuid), %(actor_name)s, %(now)s
          FROM unnest(CAST(%(kinds)s AS text[]), CAST(%(references)s AS uuid[]), CAST(%(memos)s AS text[]),
                      CAST(%(reverses)s AS bigint[])) WITH ORDINALITY AS d (kind, reference, memo, reverses_id, place)
         ORDER BY place
        RETURNING id, kind, reference
    ), numbered AS (
        SELECT entry.id, d.place
          FROM unnest(CAST(%(kinds)s AS text[]), CAST(%(references)s AS uuid[]))
               WITH ORDINALITY AS d (kind, reference, place)
          JOIN entry USING (kind, reference)
    ), posting AS (
        INSERT INTO postings (entry_id, debit_id, credit_id, currency, live, amount_minor,
                              debit_after_minor, credit_after_minor)
        SELECT numbered.id, debit_id, credit_id, currency, live, amount, debit_after, credit_after
          FROM unnest(CAST(%(places)s AS bigint[]), CAST(%(debits)s AS bigint[]), CAST(%(credits)s AS bigint[]),
                      CAST(%(currencies)s AS text[]), CAST(%(lives)s AS bool[]), CAST(%(amounts)s AS bigint[]),
                      CAST(%(debit_afters)s AS bigint[]), CAST(%(credit_afters)s AS bigint[])) WITH ORDINALITY
               AS l (place, debit_id, credit_id, currency, live, amount, debit_after, credit_after, line)
          JOIN numbered USING (place)
         ORDER BY line
    ), moved AS (
        UPDATE balances b SET debits_minor = b.debits_minor + m.debited, credits_minor = b.credits_minor + m.credited
          FROM unnest(CAST(%(moved)s AS bigint[]), CAST(%(debited)s AS bigint[]), CAST(%(credited)s AS bigint[]))
               AS m (account_id, debited, credited)
         WHERE b.account_id = m.account_id
    )
    SELECT id FROM numbered ORDER BY place"""


@dataclass(slots=True)
class Locked:
    """A balance under our lock, and what this batch has done to it. Minor units; credit minus debit."""

    account_id: int
    available_minor: int
    may_overdraw: bool
    debited: int = 0
    credited: int = 0

    @property
    def covered(self) -> bool:
        return self.may_overdraw or self.available_minor >= 0


@dataclass
class _Lines:
    """The postings of a batch, column by column."""

    rows: list[tuple[int, int, int, str, bool, int, int, int]] = field(default_factory=list)

    def columns(self) -> dict[str, Any]:
        names = ("places", "debits", "credits", "currencies", "lives", "amounts", "debit_afters", "credit_afters")
        columns = dict(zip(names, zip(*self.rows, strict=True), strict=True))
        return {name: list(column) if name == "currencies" else pipeline.array(column)
                for name, column in columns.items()}


def lock_balances(session: Session, accounts: Iterable[Account]) -> dict[Account, Locked]:
    """Lock the balances of all these accounts at once, opening accounts that do not exist yet.

    Lock everything a transaction will post (`accounts_of(drafts)`) in one call: a second call for other accounts
    breaks the lock order. Who falls out of a batch for want of cover is seen here, before anything is written.
    """
    ids = ids_of(session, accounts, opening=True)
    found = pipeline.rows(session, LOCK, {"ids": pipeline.array(sorted(ids.values()))})
    rows = {id: Locked(id, minor, may) for id, minor, may in found}
    return {account: rows[id] for account, id in ids.items()}


def post(session: Session, actor: Actor, drafts: Sequence[Draft]) -> None:
    """Append these entries, in this order, and move each balance once.

    All or none. An uncovered account is found before anything is written, so the transaction can go on without.
    Raises InsufficientFunds (details: the account and what it lacks, in minor units), AlreadyPosted.
    """
    if not drafts:
        return
    if len({(draft.kind, draft.reference) for draft in drafts}) < len(drafts):
        raise AlreadyPosted()
    balances = lock_balances(session, accounts_of(drafts))
    now = clock.now()  # under the locks, so that an account's lines rise in time as they do in id
    lines = _Lines()
    for place, draft in enumerate(drafts, 1):
        _apply(draft, place, balances, lines)
    page_events.tell(session, "balance", {f"{account.owner_kind}:{account.owner_id}" for account in balances
                                   if account.owner_id is not None})
    with translated():
        pipeline.queue(session, WRITE, _parameters(actor, now, drafts, lines, balances))


def _apply(draft: Draft, place: int, balances: dict[Account, Locked], lines: _Lines) -> None:
    """Count one draft's lines; each entry must leave every account covered, as if it were posted alone."""
    for line in draft.lines:
        debit, credit, minor = balances[line.debit], balances[line.credit], line.amount.minor
        debit.available_minor -= minor
        debit.debited += minor
        credit.available_minor += minor
        credit.credited += minor
        lines.rows.append((place, debit.account_id, credit.account_id, line.amount.currency, line.debit.live, minor,
                           debit.available_minor, credit.available_minor))
    for line in draft.lines:  # whoever was only credited cannot have become uncovered
        if not balances[line.debit].covered:
            lacks = Money(-balances[line.debit].available_minor, line.amount.currency)
            raise InsufficientFunds.by(lacks, account=line.debit, reference=draft.reference)


def _parameters(actor: Actor, now: datetime, drafts: Sequence[Draft], lines: _Lines,
                balances: dict[Account, Locked]) -> dict[str, Any]:
    moved = sorted(balances.values(), key=lambda row: row.account_id)
    return {
        "actor_kind": str(actor.kind), "actor_id": actor.id, "actor_name": actor.name, "now": now,
        "kinds": [draft.kind for draft in drafts], "references": pipeline.array(draft.reference for draft in drafts),
        "memos": [draft.memo for draft in drafts], "reverses": pipeline.array(draft.reverses_id for draft in drafts),
        "moved": pipeline.array(row.account_id for row in moved),
        "debited": pipeline.array(row.debited for row in moved),
        "credited": pipeline.array(row.credited for row in moved),
    } | lines.columns()
