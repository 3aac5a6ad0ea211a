"""Developers: everything that was told or should have been, as it was sent, with each answer; and sending it again."""
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.merchant.developers import bp
from portal.web.render import redisplay, show
from portal.webhooks import listing, queries, request_preview, service
from portal.webhooks.commands import Resend
from portal.webhooks.listing import DeliveryFilters


@bp.get("/deliveries")
@requires(Permission.WEBHOOK_READ)
def deliveries() -> Response:
    filters, session, actor = DeliveryFilters.of(request.args), reader(), signed_in()
    page = listing.list_deliveries(session, actor, filters, cursor=request.args.get("after"))
    return show("merchant/developers/deliveries.html", page=page, filters=filters, offered=listing.OFFERED,
                endpoints=queries.endpoints(session, actor).rows, test_mode=filters.mode == "test")


@bp.get("/deliveries/<delivery_id>")
@requires(Permission.WEBHOOK_READ)
def one_delivery(delivery_id: str) -> Response:
    return show("merchant/developers/delivery.html", fragment="merchant/developers/_delivery.html", error=None,
                **_delivery(delivery_id))


@bp.post("/deliveries/<delivery_id>/resending")
@requires(Permission.WEBHOOK_MANAGE)
@once
def resend(delivery_id: str) -> Response:
    with redisplay("merchant/developers/delivery.html", lambda: _delivery(delivery_id)):
        asked = {"after_attempts": text} if (text := request.form.get("after_attempts", "")).isdecimal() else {}
        command = bind(Resend, {}, delivery_id=delivery_id, **{name: int(text[:9]) for name, text in asked.items()})
        with transaction() as session:
            service.resend(session, signed_in(), command)
    flash(gettext("It is being sent again."))
    return redirect(url_for(".one_delivery", delivery_id=delivery_id), 303)  # type: ignore[return-value]


def _delivery(delivery_id: str) -> dict[str, Any]:
    session, actor = reader(), signed_in()
    found = queries.delivery(session, actor, delivery_id)
    return {"delivery": found, "attempts": queries.attempts(session, found),
            "sent": request_preview.request_of(session, found, with_link=actor.may_open_links),
            "test_mode": not found.live}
