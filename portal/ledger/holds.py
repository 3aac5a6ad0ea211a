"""A hold that is written by the statement of what it is for: one round trip, and one fact for both.

What `service.post` does for entries of any shape and number, for one line between two accounts of a store. The manual
(`entries`) says what it moves; the statement that carries `HELD` writes the order it is for.
"""
from typing import Any

from sqlalchemy.orm import Session

from portal.core import clock, page_events
from portal.core.money import Money
from portal.ledger.accounts import ids_of
from portal.ledger.entries import Draft
from portal.ledger.service import InsufficientFunds

# Behind `given`, the one order, and a `made` that has a row if it was written. Both balances are locked, in id order,
# before anything is drawn or written: `cover` has both. A row whose lock was waited for is read as it is afterwards;
# the rest of the statement sees the database as it was at its beginning, so nothing else here may ask about balances.
# The moment grows by the wait, so that an account's lines rise in time as they do in id, but for the milliseconds that
# a statement may be on its way. Where the account is not covered, `cover` has less than nothing and the books stay as
# they were: the caller takes back what the hold is for.
# Numbers come as text, or psycopg would name another type, and have another plan, for each size.
_SIDES = "account_id IN (%(debit)s::bigint, %(credit)s::bigint)"
HELD = f"""
    locked AS MATERIALIZED (
        SELECT account_id, credits_minor - debits_minor AS minor FROM balances
         WHERE {_SIDES} AND EXISTS (SELECT FROM made) ORDER BY account_id FOR NO KEY UPDATE
    ), cover AS MATERIALIZED (
        SELECT d.minor - %(amount)s::bigint AS debit_after_minor, c.minor + %(amount)s::bigint AS credit_after_minor
          FROM locked d JOIN locked c ON d.account_id = %(debit)s::bigint AND c.account_id = %(credit)s::bigint
    ), entry AS (
        INSERT INTO journal_entries (kind, reference, actor_kind, actor_id, actor_name, posted_at)
        SELECT %(kind)s, g.id, g.actor_kind, g.actor_id, g.actor_name,
               %(now)s::timestamptz + (clock_timestamp() - statement_timestamp())
          FROM cover CROSS JOIN given g WHERE debit_after_minor >= 0
        RETURNING id
    ), posting AS (
        INSERT INTO postings (entry_id, debit_id, credit_id, currency, live, amount_minor,
                              debit_after_minor, credit_after_minor)
        SELECT entry.id, %(debit)s::bigint, %(credit)s::bigint, g.settlement_currency, g.live, %(amount)s::bigint,
               debit_after_minor, credit_after_minor
          FROM entry CROSS JOIN cover CROSS JOIN given g
    ), moved AS (
        UPDATE balances
           SET debits_minor = debits_minor
                   + CASE account_id WHEN %(debit)s::bigint THEN %(amount)s::bigint ELSE 0 END,
               credits_minor = credits_minor
                   + CASE account_id WHEN %(credit)s::bigint THEN %(amount)s::bigint ELSE 0 END
         WHERE {_SIDES} AND EXISTS (SELECT FROM entry)
    )"""


def parameters(session: Session, hold: Draft) -> dict[str, Any]:
    """Of HELD; accounts that do not exist yet are opened."""
    [(debit, credit, amount)] = hold.lines
    ids = ids_of(session, (debit, credit), opening=True)
    return {"kind": hold.kind, "debit": str(ids[debit]), "credit": str(ids[credit]), "amount": str(amount.minor),
            "now": clock.now()}


def judge(session: Session, hold: Draft, left_minor: int | None) -> None:
    """`left_minor`: what `cover` leaves on the account that is held from. Its owner's pages look again.

    Raises InsufficientFunds (details: the account and what it lacks, in minor units).
    """
    [(debit, _, amount)] = hold.lines
    assert left_minor is not None, "an account has its balance from the start"
    if left_minor < 0:
        raise InsufficientFunds.by(Money(-left_minor, amount.currency), account=debit, reference=hold.reference)
    page_events.tell(session, "balance", {f"{debit.owner_kind}:{debit.owner_id}"})
