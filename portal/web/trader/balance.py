"""A trader's money at the desk: free, held by open orders, earned, and the statement that explains it."""
from flask import Blueprint, Response, request
from sqlalchemy import select

from portal import ledger
from portal.core import clock
from portal.core.access import Permission, requires
from portal.core.db import reader
from portal.core.errors import NotFound
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
    trader = _trader()
    available, held = (of(trader.id, trader.settlement_currency, live=True)
                       for of in (ledger.trader_available, ledger.trader_held))
    today = clock.today()
    earned_today, earned_month = (
        earned.rewards(reader(), trader.id, available.currency, since=clock.midnight_before(day))
        for day in (today, today.replace(day=1)))
    return show("trader/balance/index.html", available=ledger.balance(reader(), available),
                held=ledger.balance(reader(), held), earned_today=earned_today, earned_month=earned_month,
                of=_purpose(), **statement_of(_account(), order_endpoint="trader_orders.one", export_endpoint=".export",
                                              of=None if _purpose() == "available" else _purpose()))


@bp.get("/statement.<kind>")
@requires(Permission.BALANCE_READ)
def export(kind: str) -> Response:
    return statement_file(_account(), kind)


def _trader() -> Trader:
    return reader().scalars(select(Trader).where(Trader.id == signed_in().trader_id)).one()


def _account() -> Account:
    """Which of his accounts the statement is of. Raises NotFound."""
    trader = _trader()
    return Account("trader", trader.id, _purpose(), trader.settlement_currency, True)


def _purpose() -> str:
    wanted = request.args.get("of", "available")
    if wanted not in ("available", "held"):
        raise NotFound()
    return wanted
