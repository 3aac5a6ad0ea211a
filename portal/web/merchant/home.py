"""A merchant's first page: how today goes, what the desk owes, what is broken, what is still to do."""
from collections.abc import Sequence

from flask import Blueprint, Response

from portal.core.access import Permission, requires
from portal.core.db import reader
from portal.core.money import Money, total
from portal.core.names import in_order
from portal.orders.models import Order
from portal.orders.reading.filters import Filters
from portal.orders.reading.go_live_checklist import checklist
from portal.orders.reading.lists import list_orders
from portal.orders.reading.merchant_day import today
from portal.orders.states import Direction
from portal.parties.models import Store
from portal.parties.queries import stores_visible_to
from portal.payouts import queries as payouts
from portal.treasury.holdings import holdings, settlement_of
from portal.web.identity import signed_in
from portal.web.render import show
from portal.webhooks.listing import Listed, list_endpoints

bp = Blueprint("merchant_home", __name__, url_prefix="/merchant")
LAST = 8  # orders shown
STORES_MAX = 100


@bp.get("/")
@requires(Permission.MERCHANT_PORTAL)
def index() -> Response:
    session, actor = reader(), signed_in()
    stores = session.scalars(stores_visible_to(actor).order_by(in_order(Store.name), Store.id).limit(STORES_MAX)).all()
    ids = [store.id for store in stores]
    has = holdings(session, actor, "store", settlement_of(stores))
    day = today(session, ids)
    return show("merchant/home/index.html", day=day, hours=[
                    (f"{hour:02}:00", *figures) for hour, figures in enumerate(day.today.hours)],
                to_do=checklist(session, ids), silent=_silent(),
                available=_sums([of.available for of in has.values()]),
                waiting=payouts.waiting(session, actor) if actor.may(Permission.PAYOUT_CREATE) else [],
                suspended=[store for store in stores if store.status != "active"], last=_last())


def _silent() -> list[Listed]:
    """Addresses that do not take what they are told, or were given up; nothing for one who may not read webhooks."""
    if not signed_in().may(Permission.WEBHOOK_READ):
        return []
    told = list_endpoints(reader(), signed_in(), cursor=None).rows
    return [one for one in told
            if one.state == "failing" or (one.state == "disabled" and one.endpoint.disabled_because != "merchant")]


def _last() -> Sequence[Order]:
    if not signed_in().may(Permission.ORDER_READ):
        return []
    return list_orders(reader(), signed_in(), Filters(direction=Direction.PAYIN), cursor=None).rows[:LAST]


def _sums(amounts: list[Money]) -> list[Money]:
    """By currency."""
    return [total((money for money in amounts if money.currency == currency), currency)
            for currency in sorted({money.currency for money in amounts})]
