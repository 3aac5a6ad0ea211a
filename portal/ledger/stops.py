"""The one gate before money that leaves: while a finding stands, payouts and withdrawals wait and payins go on.

Asked wherever a payout is taken in, matched or accepted, and wherever a withdrawal is asked for, approved or sent.
"""
from sqlalchemy.orm import Session

from portal.core.errors import Unavailable
from portal.ledger import findings


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
