"""Developers: what the store's keys asked of the gateway and were answered, for a week."""
import json
from http import HTTPStatus
from typing import Any

from flask import Response, request
from pydantic_core import to_json
from sqlalchemy.orm import Session

from portal.calls import queries, redaction
from portal.calls.models import LoggedCall
from portal.calls.queries import CallFilters
from portal.core import ids
from portal.core.access import Actor, Permission, requires
from portal.core.db import reader
from portal.core.errors import NotFound
from portal.core.paging import Page
from portal.orders import row, view
from portal.orders.models import Order
from portal.parties import key_list
from portal.web.identity import signed_in
from portal.web.merchant.developers import bp
from portal.web.render import show


@bp.get("/requests")
@requires(Permission.KEY_READ)
def requests() -> Response:
    filters = CallFilters.of(request.args)
    return show("merchant/developers/requests.html", filters=filters, statuses=list(queries.STATUSES),
                methods=queries.METHODS, test_mode=filters.mode == "test", **_page(reader(), signed_in(), filters))


@bp.get("/requests/<request_id>")
@requires(Permission.KEY_READ)
def one_request(request_id: str) -> Response:
    session, actor = reader(), signed_in()
    call = queries.one(session, actor, request_id)
    return show("merchant/developers/request.html", call=call, test_mode=not call.live,
                key=key_list.one(session, actor, call.key_id), sent=pretty(call.request),
                told=pretty(told_of(session, call)))


def told_of(session: Session, call: LoggedCall) -> str | None:
    """What was kept of the answer. Of a plain create nothing was: it is its order's first one, which never changes."""
    if call.answer is not None or call.status != HTTPStatus.CREATED or call.order_id is None:
        return call.answer
    order = session.get(Order, call.order_id)
    return redaction.body(to_json(view.public(row.as_created(order))))[1] if order is not None else None


def pretty(kept: str | None) -> str:
    """JSON with room to read it; what was cut off stays as it is."""
    try:
        return json.dumps(json.loads(kept or ""), ensure_ascii=False, indent=2)
    except ValueError:
        return kept or ""


def _page(session: Session, actor: Actor, filters: CallFilters) -> dict[str, Any]:
    """Always of one store: the one that is asked for, or the first by name. Raises NotFound."""
    stores = key_list.stores(session, actor)
    if not stores:
        return {"stores": [], "chosen": None, "page": Page([], None)}
    wanted = ids.parse("str", filters.store) if filters.store else stores[0].id
    chosen = next((store for store in stores if store.id == wanted), None)
    if chosen is None:
        raise NotFound()
    page = queries.page(session, actor, chosen.id, filters, cursor=request.args.get("after"))
    return {"stores": stores, "chosen": chosen, "page": page}
