"""Balances that fell below what a person chose: told once, and again after they have recovered."""
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import ledger, notices
from portal.core import clock
from portal.core.money import Money
from portal.notices.models import NoticePlan
from portal.parties.models import Store, Trader, User

MOST = 1000


def watch(session: Session) -> None:
    """Work of a recurring job, over those who chose a limit."""
    rows = session.execute(select(NoticePlan, User).join(User, User.id == NoticePlan.user_id).where(
        NoticePlan.low_amount.is_not(None), User.active).order_by(User.id).limit(MOST))
    for plan, user in rows.all():
        limit = plan.low_amount
        assert limit is not None
        low = next((found for found in _available(session, user) if Decimal(found[1].text) < limit), None)
        if low is not None and plan.low_told_at is None:
            notices.notify(session, "balance.low", notices.user(user.id), name=low[0],
                           amount=f"{low[1].text} {low[1].currency}")
        plan.low_told_at = None if low is None else plan.low_told_at or clock.now()


def _available(session: Session, user: User) -> list[tuple[str, Money]]:
    """Of a trader, or of each store of a merchant; live money."""
    if user.trader_id is not None:
        trader = session.get_one(Trader, user.trader_id)
        return [(trader.name, ledger.balance(session, ledger.trader_available(
            trader.id, trader.settlement_currency, live=True)))]
    stores = session.scalars(select(Store).where(Store.merchant_id == user.merchant_id).order_by(Store.id))
    return [(store.name, ledger.balance(session, ledger.store_available(store.id, store.settlement_currency, True)))
            for store in stores.all()]
