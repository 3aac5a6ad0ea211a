"""What the desk owes a merchant, store by store, and the statement that explains it."""
from collections.abc import Sequence

from flask import Blueprint, Response, request

from portal import ledger
from portal.core.access import Permission, requires
from portal.core.db import reader
from portal.core.errors import NotFound
from portal.core.names import in_order
from portal.ledger import Account
from portal.parties.models import Store
from portal.parties.queries import stores_visible_to
from portal.treasury.holdings import holdings, settlement_of
from portal.web.identity import signed_in
from portal.web.render import show
from portal.web.statements import statement_file, statement_of

bp = Blueprint("merchant_balance", __name__, url_prefix="/merchant/balance")


@bp.get("")
@requires(Permission.BALANCE_READ)
def index() -> Response:
    stores, live = _stores(), request.args.get("mode") != "test"
    chosen = _chosen(stores)
    has = holdings(reader(), signed_in(), "store", settlement_of(stores), live=live)
    account = _account(chosen, live)
    return show("merchant/balance/index.html", stores=stores, chosen=chosen, has=has, live=live, test_mode=not live,
                **statement_of(account, order_endpoint="merchant_orders.one", export_endpoint=".export",
                               store=chosen.public_id, mode=None if live else "test"))


@bp.get("/statement.<kind>")
@requires(Permission.BALANCE_READ)
def export(kind: str) -> Response:
    return statement_file(_account(_chosen(_stores()), request.args.get("mode") != "test"), kind)


def _stores() -> Sequence[Store]:
    return reader().scalars(stores_visible_to(signed_in()).order_by(in_order(Store.name), Store.id)).all()


def _chosen(stores: Sequence[Store]) -> Store:
    """The store of the address, else the first. Raises NotFound, also for another's."""
    wanted = request.args.get("store")
    for store in stores:
        if wanted in (None, "", store.public_id):
            return store
    raise NotFound()


def _account(store: Store, live: bool) -> Account:
    return ledger.store_available(store.id, store.settlement_currency, live)
