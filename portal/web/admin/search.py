"""One field that takes whatever a person has in hand; what it names alone is opened at once."""
from typing import NamedTuple

from flask import Blueprint, Response, current_app, redirect, request, url_for

from portal.core import ids
from portal.core.access import Permission, requires
from portal.core.db import reader
from portal.search.staff_search import Hit, look
from portal.web.badges import N_
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_search", __name__, url_prefix="/admin/search")


class Place(NamedTuple):
    """Where records of a kind are shown, and how they look in the list."""

    title: str
    endpoint: str
    argument: str
    prefix: str
    looks: str  # of its state, see badges


PLACES = {
    "order": Place(N_("Orders"), "admin_orders.one", "order_id", "pin", "order"),
    "requisite": Place(N_("Requisites"), "admin_requisites.one", "requisite_id", "rqs", "requisite"),
    "store": Place(N_("Stores"), "admin_stores.one", "store_id", "str", "party"),
    "merchant": Place(N_("Merchants"), "admin_merchants.one", "merchant_id", "mrc", "party"),
    "trader": Place(N_("Traders"), "admin_traders.one", "trader_id", "trd", "party"),
    "user": Place(N_("Users"), "admin_users.one", "user_id", "usr", "party"),
    "deposit": Place(N_("Deposits"), "admin_treasury.deposit", "deposit_id", "dep", "deposit"),
    "withdrawal": Place(N_("Withdrawals"), "admin_treasury.withdrawal", "withdrawal_id", "wdr", "withdrawal"),
    "address": Place(N_("Addresses"), "admin_treasury.address", "address_id", "wad", "address"),
    "approval": Place(N_("Approvals"), "admin_approvals.index", "", "apr", "approval"),
}


class Found(NamedTuple):
    hit: Hit
    public_id: str
    url: str | None


@bp.get("")
@requires(Permission.ADMIN_PORTAL)
def index() -> Response:
    text = request.args.get("q", "").strip()
    found = [_found(hit) for hit in look(reader(), signed_in(), text)]
    if len(found) == 1 and found[0].hit.exact and found[0].url:
        return redirect(found[0].url, 303)  # type: ignore[return-value]
    groups = [(place, rows) for kind, place in PLACES.items()
              if (rows := [row for row in found if row.hit.kind == kind])]
    return show("admin/search/index.html", text=text, groups=groups, count=len(found))


def _found(hit: Hit) -> Found:
    place = PLACES[hit.kind]
    public_id = ids.public("pout" if hit.direction == "payout" else place.prefix, hit.id)
    if place.endpoint not in current_app.view_functions:
        return Found(hit, public_id, None)
    values = {place.argument: public_id} if place.argument else {
        "state": hit.status, "_anchor": f"approval-{public_id}"}
    return Found(hit, public_id, url_for(place.endpoint, **values))
