"""A hold that is written by the statement of what it is for: one round trip, and one fact for both.

What `service.post` does for entries of any shape, for entries of one line between two accounts of one owner; the
manual (`entries`) says what they move, the statement that carries `HELD` what they are for.
"""
from collections.abc import Sequence
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy.orm import Session

from portal.core import clock, page_events
from portal.core.money import Money
from portal.ledger.accounts import ids_of
from portal.ledger.entries import Draft, accounts_of
from portal.ledger.service import InsufficientFunds

COLUMNS = "reference uuid, kind text, debit_id bigint, credit_id bigint, currency text, live boolean," \
    " amount_minor bigint, at timestamptz"
# Behind a `holds` of these columns and actor_kind, actor_id, actor_name. All of `holds` is there before the first
# balance is locked, and all locks are taken, in id order, before anything is drawn or written: the array and the count
# see to that. A row whose lock was waited for is read as it is afterwards, while the rest of the statement sees the
# database as of its beginning: nothing else here may be asked about balances. `at` grows by the wait, so that an
# account's lines rise in time as they do in id. Where an account is not covered, `uncovered` says of which hold and by
# how much, and nothing of any of them is written: the caller must take back what they are for.
HELD = """
    covers AS MATERIALIZED (
        SELECT account_id, credits_minor - debits_minor AS minor, may_overdraw FROM balances
         WHERE account_id = ANY ((SELECT array_agg(id) FROM (SELECT debit_id AS id FROM holds
                                                             UNION ALL SELECT credit_id FROM holds) named)::bigint[])
         ORDER BY account_id FOR NO KEY UPDATE
    ), held AS MATERIALIZED (
        SELECT h.*, d.may_overdraw,
               (d.minor - sum(h.amount_minor) OVER (PARTITION BY h.debit_id ORDER BY h.reference))::bigint
                   AS debit_after_minor,
               (c.minor + sum(h.amount_minor) OVER (PARTITION BY h.credit_id ORDER BY h.reference))::bigint
                   AS credit_after_minor
          FROM holds h JOIN covers d ON d.account_id = h.debit_id JOIN covers c ON c.account_id = h.credit_id
         WHERE (SELECT count(*) FROM covers) > 0
    ), uncovered AS MATERIALIZED (
        SELECT reference, -debit_after_minor AS lacks_minor FROM held
         WHERE debit_after_minor < 0 AND NOT may_overdraw ORDER BY reference LIMIT 1
    ), hold_entry AS (
        INSERT INTO journal_entries (kind, reference, actor_kind, actor_id, actor_name, posted_at)
        SELECT kind, reference, actor_kind, actor_id, actor_name, at + (clock_timestamp() - statement_timestamp())
          FROM held WHERE NOT EXISTS (SELECT FROM uncovered) ORDER BY reference
        RETURNING id, reference
    ), hold_posting AS (
        INSERT INTO postings (entry_id, debit_id, credit_id, currency, live, amount_minor,
                              debit_after_minor, credit_after_minor)
        SELECT e.id, debit_id, credit_id, currency, live, amount_minor, debit_after_minor, credit_after_minor
          FROM held JOIN hold_entry e USING (reference) ORDER BY reference
    ), hold_moved AS (
        UPDATE balances b SET debits_minor = b.debits_minor + m.debited, credits_minor = b.credits_minor + m.credited
          FROM (SELECT account_id, sum(debited)::bigint AS debited, sum(credited)::bigint AS credited FROM (
                    SELECT debit_id AS account_id, amount_minor AS debited, 0 AS credited FROM held
                    UNION ALL SELECT credit_id, 0, amount_minor FROM held) sides GROUP BY account_id) m
         WHERE b.account_id = m.account_id AND NOT EXISTS (SELECT FROM uncovered)
    )"""


def lines(session: Session, drafts: Sequence[Draft]) -> str:
    """The set of COLUMNS as JSON; accounts that do not exist yet are opened."""
    ids, now = ids_of(session, accounts_of(drafts), opening=True), clock.now()
    assert not {one.lines[0].debit for one in drafts} & {one.lines[0].credit for one in drafts}
    return to_json([{
        "reference": draft.reference, "kind": draft.kind, "debit_id": ids[debit], "credit_id": ids[credit],
        "currency": amount.currency, "live": debit.live, "amount_minor": amount.minor, "at": now}
        for draft in drafts for debit, credit, amount in draft.lines]).decode()


def judge(session: Session, drafts: Sequence[Draft], reference: UUID | None, lacks_minor: int | None) -> None:
    """What the statement found `uncovered`, if anything; else the owners' pages look again. Raises InsufficientFunds."""
    if reference is not None and lacks_minor is not None:
        [[line]] = [draft.lines for draft in drafts if draft.reference == reference]
        raise InsufficientFunds.by(Money(lacks_minor, line.amount.currency), account=line.debit, reference=reference)
    page_events.tell(session, "balance", {f"{account.owner_kind}:{account.owner_id}" for account in accounts_of(drafts)})
