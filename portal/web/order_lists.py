"""What the lists of orders of merchants and staff share: filters, page, totals, and the same as a file."""
from typing import Any

from flask import Response, abort, request
from flask_babel import gettext

from portal import reference
from portal.core import audit
from portal.core.access import Actor
from portal.core.db import reader, transaction
from portal.core.errors import Invalid
from portal.core.names import in_order
from portal.orders.directions import rules_of
from portal.orders.models import Order
from portal.orders.reading.filters import Filters
from portal.orders.reading.lists import Listed, batch, list_orders, totals
from portal.orders.states import Direction
from portal.parties.models import Store
from portal.parties.queries import stores_visible_to
from portal.web import reference_choices
from portal.web.exports import KINDS, Column, export, in_batches, zoned
from portal.web.identity import signed_in
from portal.web.refused_forms import sentences
from portal.web.render import show

STORES_MAX = 200  # in the choice of a filter


def listed(page: str, *, direction: Direction | None = None, **more: Any) -> Response:
    """A list as the address asks for it, of one `direction` or of both; filters that make no sense are shown again with
    what is wrong: 422."""
    session, actor = reader(), signed_in()
    try:
        filters = _asked(direction)
    except Invalid as error:
        return show(page, status=422, error=error, wrong=sentences(error), filters=Filters(), typed=request.args,
                    page=Listed([], None), totals=None, **_choices(actor), **more)
    found = list_orders(session, actor, filters, cursor=request.args.get("after"))
    return show(page, error=None, wrong={}, filters=filters, typed=filters.asked, page=found,
                totals=totals(session, actor, filters), **_choices(actor), **more)


def _choices(actor: Actor) -> dict[str, Any]:
    known = reference.snapshot(reader())
    stores = reader().scalars(stores_visible_to(actor).order_by(in_order(Store.name), Store.id).limit(STORES_MAX))
    return {"store_choices": [(store.public_id, store.name) for store in stores],
            "method_choices": sorted((code, reference_choices.method(code)) for code in known.methods),
            "currency_choices": [(code, code) for code in sorted({quote for _, quote in known.rates})]}


def _asked(direction: Direction | None) -> Filters:
    """Raises Invalid."""
    return Filters.of(request.args if direction is None else {**request.args, "direction": direction})


def exported(kind: str, *, direction: Direction | None = None) -> Response:
    """Exactly the rows of the list, as a file; who took it is in the audit. Raises Invalid, TooManyExports, TooLong."""
    if kind not in KINDS:
        abort(404)
    actor, filters = signed_in(), _asked(direction)
    with transaction() as session:
        audit.record(session, actor, "orders.exported", "export", kind, after=filters.asked)
    rows = in_batches(lambda session, after: batch(session, actor, filters, after))
    return export("orders" if direction is None else f"{direction}s", kind, _columns(), rows)


def _columns() -> list[Column[Order]]:
    return [
        Column(zoned(gettext("Created")), lambda order: order.created_at),
        Column(gettext("Order"), lambda order: order.public_id),
        Column(gettext("External id"), lambda order: order.external_id),
        Column(gettext("Store"), lambda order: order.store.name),
        Column(gettext("Mode"), lambda order: "live" if order.live else "test"),
        Column(gettext("Direction"), lambda order: str(order.direction)),
        Column(gettext("Status"), lambda order: str(order.status)),
        Column(gettext("Amount"), lambda order: order.amount),
        Column(gettext("Currency"), lambda order: order.currency),
        Column(gettext("Received"), lambda order: order.amount_received),
        Column(gettext("Settlement"), lambda order: order.settlement),
        Column(gettext("Fee"), lambda order: order.fee),
        Column(gettext("Net"), lambda order: order.net if rules_of(order).flow > 0 else None),
        Column(gettext("Total"), lambda order: order.total if rules_of(order).flow < 0 else None),
        Column(gettext("Settlement currency"), lambda order: order.settlement_currency),
        Column(gettext("Rate"), lambda order: f"{order.rate.normalize():f}"),
        Column(gettext("Method"), lambda order: order.method),
        Column(gettext("Bank"), lambda order: order.bank),
        Column(gettext("Recipient"), lambda order: order.destination_mask),
        Column(gettext("Customer"), lambda order: order.customer_id),
        Column(gettext("Customer's name"), lambda order: order.customer_name),
        Column(gettext("Description"), lambda order: order.description),
        Column(zoned(gettext("Completed")), lambda order: order.completed_at),
        Column(zoned(gettext("Ended")), lambda order: order.ended_at),
        Column(gettext("Failure"), lambda order: order.failure_code),
    ]
