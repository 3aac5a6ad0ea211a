"""The one gate before money that leaves: while a finding stands, payouts and withdrawals wait and payins go on.

Asked wherever a payout is taken in, matched or accepted, and wherever a withdrawal is asked for, approved or sent.
"""
from sqlalchemy.orm import Session

from portal.core import pipeline
from portal.core.errors import Unavailable
from portal.core.money import Money
from portal.ledger import findings
from portal.ledger.accounts import Account
from portal.ledger.claims import ClaimOpen

# two probes of small indexes in one hot statement: a gateway asks it before each payout
KEPT = """
    SELECT EXISTS (SELECT FROM findings WHERE settled_at IS NULL),
           (SELECT coalesce(sum(amount_minor - paid_minor), 0)::bigint FROM claims
             WHERE owner_kind = %s AND owner_id = %s AND currency = %s AND live = %s AND settled_at IS NULL)"""


class MoneyOutStopped(Unavailable):
    """The desk is checking its books: no money leaves until that is done. Payins go on."""

    code = "money_out_stopped"
    retry_after_s = 300


def money_out_stopped(session: Session) -> MoneyOutStopped | None:
    """Why no money leaves just now, as it is refused; None nearly always. One probe of a small index."""
    return MoneyOutStopped() if findings.any_stands(session) else None


def refuse_while_stopped(session: Session) -> None:
    """Before live money leaves the desk, to whomever. Raises MoneyOutStopped."""
    if stopped := money_out_stopped(session):
        raise stopped


def refuse_while_kept(session: Session, account: Account) -> None:
    """As `refuse_while_stopped` and `claims.refuse_while_owing`, at once. Raises MoneyOutStopped, ClaimOpen."""
    [(stopped, owed)] = pipeline.rows(session, KEPT, (account.owner_kind, account.owner_id, account.currency,
                                                      account.live))
    if stopped:
        raise MoneyOutStopped()
    if owed:
        raise ClaimOpen(owed=Money(owed, account.currency).text, currency=account.currency)
