"""A trader's money at the desk: free, held by open orders, earned, and the statement that explains it."""
from datetime import datetime

from flask import Blueprint, Response
from sqlalchemy import select

from portal import ledger
from portal.core import clock
from portal.core.access import Permission, requires
from portal.core.db import reader
from portal.core.money import Money
from portal.ledger import Account
from portal.parties.models import Trader
from portal.web.identity import signed_in
from portal.web.render import show
from portal.web.statements import statement_file, statement_of

bp = Blueprint("trader_balance", __name__, url_prefix="/trader/balance")


@bp.get("")
@requires(Permission.BALANCE_READ)
def index() -> Response:
    account = _account()
    held = ledger.trader_held(_trader().id, account.currency, live=True)
    today = clock.today()
    return show("trader/balance/index.html", available=ledger.balance(reader(), account),
                held=ledger.balance(reader(), held), earned_today=_earned(account, clock.midnight_before(today)),
                earned_month=_earned(account, clock.midnight_before(today.replace(day=1))),
                **statement_of(account, order_endpoint="trader_orders.one", export_endpoint=".export"))


@bp.get("/statement.<kind>")
@requires(Permission.BALANCE_READ)
def export(kind: str) -> Response:
    return statement_file(_account(), kind)


def _earned(account: Account, since: datetime) -> Money:
    """Rewards: what settling orders put on the account."""
    return ledger.credited(reader(), account, "payin_settle", since=since)


def _trader() -> Trader:
    return reader().scalars(select(Trader).where(Trader.id == signed_in().trader_id)).one()


def _account() -> Account:
    trader = _trader()
    return ledger.trader_available(trader.id, trader.settlement_currency, live=True)
