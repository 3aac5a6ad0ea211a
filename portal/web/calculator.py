"""What an amount would cost and who would get what: for staff of any store, for merchants of theirs."""
from typing import Any

from flask import Response, request

from portal import reference
from portal.core import ids
from portal.core.commands import bind
from portal.core.db import reader
from portal.core.errors import PortalError
from portal.core.names import in_order
from portal.orders.reading.calculator import AskCost, cost, shares
from portal.parties.models import Store
from portal.parties.queries import stores_visible_to
from portal.web import reference_choices
from portal.web.identity import signed_in
from portal.web.refused_forms import sentences
from portal.web.render import show

STORES_MAX = 500
ASKED = ("store_id", "direction", "currency", "method", "amount")


def shown(page: str) -> Response:
    """The form, and once it is filled in what it comes to; the address holds what was asked."""
    asked = {name: request.args.get(name, "").strip() for name in ASKED}
    context: dict[str, Any] = {"found": None, "shares": [], "error": None, "wrong": {}, "values": asked}
    status = 200
    if asked["amount"]:
        try:
            command = bind(AskCost, request.args, store_id=ids.parse("str", asked["store_id"]))
            found = cost(reader(), signed_in(), command)
            context |= {"found": found}
            if signed_in().is_staff:
                context |= {"shares": shares(reader(), command, found)}
        except PortalError as error:
            context |= {"error": error, "wrong": sentences(error)}
            status = 422
    return show(page, status=status, **context, **_choices())


def _choices() -> dict[str, Any]:
    known = reference.snapshot(reader())
    stores = reader().scalars(stores_visible_to(signed_in()).where(Store.status == "active")
                              .order_by(in_order(Store.name), Store.id).limit(STORES_MAX))
    return {"stores": [(store.public_id, store.name) for store in stores],
            "methods": reference_choices.methods(),
            "currencies": [(one.code, one.code) for one in known.currencies.values()
                           if one.active and one.kind == "fiat"]}
