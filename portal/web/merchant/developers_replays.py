"""Developers: everything since a while ago, told to an endpoint once more."""
from datetime import timedelta
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core import clock
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.errors import FieldError, Invalid
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.merchant.developers import bp
from portal.web.render import redisplay, show
from portal.webhooks import listing, replays
from portal.webhooks.commands import ReplayEvents

N_ = str  # marks a sentence for translation
SPANS: dict[str, tuple[timedelta, str]] = {
    "hour": (timedelta(hours=1), N_("the last hour")), "six": (timedelta(hours=6), N_("the last six hours")),
    "day": (timedelta(days=1), N_("the last day")), "days": (timedelta(days=3), N_("the last three days")),
    "week": (timedelta(days=7), N_("the last week")),
    "month": (timedelta(days=30) - timedelta(minutes=1), N_("the last thirty days"))}


@bp.get("/endpoints/<endpoint_id>/replay")
@requires(Permission.WEBHOOK_MANAGE)
def replay_form(endpoint_id: str) -> Response:
    return show("merchant/developers/endpoint_replay.html", fragment="merchant/developers/_endpoint_replay.html",
                error=None, **_endpoint(endpoint_id))


@bp.post("/endpoints/<endpoint_id>/replay")
@requires(Permission.WEBHOOK_MANAGE)
@once
def replay(endpoint_id: str) -> Response:
    with redisplay("merchant/developers/endpoint_replay.html", lambda: _endpoint(endpoint_id)):
        command = bind(ReplayEvents, {}, endpoint_id=endpoint_id, since=_since(request.form.get("span", "")),
                       undelivered_only=request.form.get("which") != "all")
        with transaction() as session:
            replays.replay(session, signed_in(), command)
    flash(gettext("The replay has begun."))
    return redirect(url_for(".one_endpoint", endpoint_id=endpoint_id), 303)  # type: ignore[return-value]


def _since(span: str) -> Any:
    """Raises Invalid."""
    if span not in SPANS:
        raise Invalid(fields=[FieldError("/span", "literal_error", "There is no such choice.")])
    return clock.now() - SPANS[span][0]


def _endpoint(endpoint_id: str) -> dict[str, Any]:
    listed = listing.one_endpoint(reader(), signed_in(), endpoint_id)
    return {"listed": listed, "test_mode": not listed.endpoint.live,
            "spans": [(name, words) for name, (_, words) in SPANS.items()]}
