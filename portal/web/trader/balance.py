"""A trader's money at the desk: free, held by open orders, earned, and the statement that explains it."""
from flask import Blueprint, Response
from sqlalchemy import select

from portal import ledger
from portal.core import clock
from portal.core.access import Permission, requires
from portal.core.db import reader
from portal.ledger import Account
from portal.orders.reading import earned
from portal.parties.models import Trader
from portal.web.identity import signed_in
from portal.web.render import show
from portal.web.statements import statement_file, statement_of

bp = Blueprint("trader_balance", __name__, url_prefix="/trader/balance")


@bp.get("")
@requires(Permission.BALANCE_READ)
def index() -> Response:
    trader, account = _trader(), _account()
    held = ledger.trader_held(trader.id, account.currency, live=True)
    today = clock.today()
    earned_today, earned_month = (earned.rewards(reader(), trader.id, account.currency, since=clock.midnight_before(day))
                                  for day in (today, today.replace(day=1)))
    return show("trader/balance/index.html", available=ledger.balance(reader(), account),
                held=ledger.balance(reader(), held), earned_today=earned_today, earned_month=earned_month,
                **statement_of(account, order_endpoint="trader_orders.one", export_endpoint=".export"))


@bp.get("/statement.<kind>")
@requires(Permission.BALANCE_READ)
def export(kind: str) -> Response:
    return statement_file(_account(), kind)


def _trader() -> Trader:
    return reader().scalars(select(Trader).where(Trader.id == signed_in().trader_id)).one()


def _account() -> Account:
    trader = _trader()
    return ledger.trader_available(trader.id, trader.settlement_currency, live=True)
