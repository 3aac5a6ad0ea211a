"""What the desk owes a merchant, store by store, and the statement that explains it."""
from collections.abc import Sequence

from flask import Blueprint, Response, request

from portal.core.access import Permission, requires
from portal.core.db import reader
from portal.core.errors import NotFound
from portal.core.names import in_order
from portal.ledger import Account
from portal.parties.models import Store
from portal.parties.queries import stores_visible_to
from portal.tariffs import reserve_terms
from portal.treasury import reserve
from portal.treasury.holdings import holdings, settlement_of
from portal.web.behind import may_lag
from portal.web.identity import signed_in
from portal.web.render import show
from portal.web.statements import statement_file, statement_of

bp = Blueprint("merchant_balance", __name__, url_prefix="/merchant/balance")


@bp.get("")
@requires(Permission.BALANCE_READ)
def index() -> Response:
    stores, live = _stores(), request.args.get("mode") != "test"
    chosen = _chosen(stores)
    has, of = holdings(reader(), signed_in(), "store", settlement_of(stores), live=live), _purpose()
    account = Account("store", chosen.id, of, chosen.settlement_currency, live)
    return show("merchant/balance/index.html", stores=stores, chosen=chosen, has=has, live=live, test_mode=not live,
                of=of, terms=reserve_terms.of(reader(), chosen.id),
                coming=reserve.coming(reader(), chosen.id, chosen.settlement_currency, live),
                **statement_of(account, order_endpoint="merchant_orders.one", export_endpoint=".export",
                               store=chosen.public_id, mode=None if live else "test",
                               of=None if of == "available" else of))


@bp.get("/statement.<kind>")
@requires(Permission.BALANCE_READ)
@may_lag
def export(kind: str) -> Response:
    store = _chosen(_stores())
    return statement_file(Account("store", store.id, _purpose(), store.settlement_currency,
                                  request.args.get("mode") != "test"), kind)


def _stores() -> Sequence[Store]:
    return reader().scalars(stores_visible_to(signed_in()).order_by(in_order(Store.name), Store.id)).all()


def _chosen(stores: Sequence[Store]) -> Store:
    """The store of the address, else the first. Raises NotFound, also for another's."""
    wanted = request.args.get("store")
    for store in stores:
        if wanted in (None, "", store.public_id):
            return store
    raise NotFound()


def _purpose() -> str:
    """Which of a store's accounts the statement is of. Raises NotFound."""
    wanted = request.args.get("of", "available")
    if wanted not in ("available", "held", "reserve"):
        raise NotFound()
    return wanted
