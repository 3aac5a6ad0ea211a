"""Whether an order could be matched now, by the rules of matching: nothing is made, locked or counted."""
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.access import Actor
from portal.core.errors import Unavailable
from portal.orders.intake.create import price
from portal.orders.intake.store_terms import terms_of
from portal.orders.matching.match import STAGES, reason_of
from portal.orders.reading.calculator import AskCost, cost
from portal.orders.states import Direction
from portal.parties.models import Store
from portal.reference import cache

FUNNEL = text("""SELECT funnel_of_asked(:direction, :live, :method, CAST(:bank AS text), :currency,
                                        :settlement_currency, :amount, :settlement, :fee, :exceeds, :varied, :store,
                                        :now, :day)""")


@dataclass(frozen=True)
class Available:
    """`reason`: a stable code where it could not be: a failure code of orders, or what keeps orders away just now."""

    yes: bool
    reason: str | None = None


def available(session: Session, actor: Actor, asked: AskCost, *, bank: str | None) -> Available:
    """For a store's key, in its mode. Raises as `calculator.cost` for what could never be asked."""
    assert actor.live is not None
    try:
        cost(session, actor, asked)
        snapshot = cache.snapshot(session)
        snapshot.refuse_while_paused()
        snapshot.refuse_while_partly_paused(direction=asked.direction, method=asked.method, bank=bank,
                                            store=str(asked.store_id))
    except Unavailable as away:
        return Available(False, away.code)
    funnel = _funnel(session, actor.live, asked, bank)
    left = {stage: int(funnel.get(stage, 0)) for stage in STAGES}
    left["locked"] = left["same_amount"]  # nobody is locked for a question
    return Available(True) if left["same_amount"] else Available(False, str(reason_of(left)))


def _funnel(session: Session, live: bool, asked: AskCost, bank: str | None) -> dict[str, Any]:
    store = session.get_one(Store, asked.store_id)
    amount = asked.money
    found = price(terms_of(store.id), Direction(asked.direction), asked.method, amount)
    answer: dict[str, Any] = session.execute(FUNNEL, {
        "direction": asked.direction, "live": live, "method": asked.method, "bank": bank, "currency": asked.currency,
        "settlement_currency": store.settlement_currency, "amount": amount.minor,
        "settlement": found.settlement.minor, "fee": found.fee.amount.minor, "exceeds": store.reward_may_exceed_fee,
        "varied": store.vary_minor > 0, "store": store.id, "now": clock.now(), "day": clock.today()}).scalar_one() or {}
    return answer
