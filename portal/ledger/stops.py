"""The one gate before money that leaves: while a finding stands, payouts and withdrawals wait and payins go on.

Asked wherever a payout is taken in, matched or accepted, and wherever a withdrawal is asked for, approved or sent.
"""
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import Unavailable
from portal.ledger import claims, findings

STOPPED = "EXISTS (SELECT FROM findings WHERE settled_at IS NULL)"
"""As `money_out_stopped`, for a statement: one probe of a small index."""
# Two probes of small indexes in the statement that takes a payout in, of a `g` with its store_id and live. Nearly
# always nothing is found, and `refuse_while_kept` need not be asked.
MAY_BE_KEPT = f"""
    g.live AND ({STOPPED}
                OR EXISTS (SELECT FROM claims WHERE owner_id = g.store_id AND settled_at IS NULL))"""


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


def refuse_while_kept(session: Session, store_id: UUID, currency: str) -> None:
    """No live payout leaves a desk whose books differ, nor a store that owes it. Raises MoneyOutStopped, ClaimOpen."""
    refuse_while_stopped(session)
    claims.refuse_while_owing(session, "store", store_id, currency)
