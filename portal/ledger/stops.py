"""The one gate before money that leaves: while a finding stands, payouts and withdrawals wait and payins go on.

Asked wherever a payout is taken in, matched or accepted, and wherever a withdrawal is asked for, approved or sent.
"""
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core import pipeline
from portal.core.errors import Unavailable
from portal.core.money import Money
from portal.ledger import findings
from portal.ledger.claims import ClaimOpen

# Two probes of small indexes in one hot statement, before each payout: of a `g` with its store_id, settlement_currency
# and live.
KEPT = """
    g.live AND EXISTS (SELECT FROM findings WHERE settled_at IS NULL) AS stopped,
    CASE WHEN g.live THEN (
        SELECT sum(amount_minor - paid_minor)::bigint FROM claims
         WHERE owner_kind = 'store' AND owner_id = g.store_id AND currency = g.settlement_currency AND live
           AND settled_at IS NULL) END AS owed_minor"""
_KEPT_OF = f"SELECT {KEPT} FROM (VALUES (%s::uuid, %s::text, true)) AS g (store_id, settlement_currency, live)"


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
    [(stopped, owed_minor)] = pipeline.rows(session, _KEPT_OF, (store_id, currency))
    judge(stopped=stopped, owed_minor=owed_minor, currency=currency)


def judge(*, stopped: bool, owed_minor: int | None, currency: str) -> None:
    """What KEPT found. Raises MoneyOutStopped, ClaimOpen."""
    if stopped:
        raise MoneyOutStopped()
    if owed_minor:
        raise ClaimOpen(owed=Money(owed_minor, currency).text, currency=currency)
