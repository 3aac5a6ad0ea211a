"""Developers: addresses that are told of a store's orders, each with a secret that is shown once."""
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core import ids
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.merchant.developers import bp, form_facts, made_by_form
from portal.web.render import redisplay, show
from portal.webhooks import listing, replays, service
from portal.webhooks.commands import ChangeEndpoint, CreateEndpoint, DeleteEndpoint, Ping, RotateSecret
from portal.webhooks.event_types import ALL_TYPES
from portal.webhooks.listing import DeliveryFilters

LATEST = 10


@bp.get("/endpoints")
@requires(Permission.WEBHOOK_READ)
def endpoints() -> Response:
    page = listing.list_endpoints(reader(), signed_in(), cursor=request.args.get("after"))
    return show("merchant/developers/endpoints.html", page=page)


@bp.get("/endpoints/new")
@requires(Permission.WEBHOOK_MANAGE)
def new_endpoint() -> Response:
    return show("merchant/developers/endpoint_new.html", error=None, wrong={}, values={}, **_new())


@bp.post("/endpoints")
@requires(Permission.WEBHOOK_MANAGE, step_up=True)
def create_endpoint() -> Response:
    """The answer to this POST is the only place where the secret stands."""
    with redisplay("merchant/developers/endpoint_new.html", lambda: _new()):
        command = bind(CreateEndpoint, _asked("kind", "url", "description"), events=_events())
        with transaction() as session:
            made, secret = service.create_endpoint(
                session, signed_in(), command, store_id=ids.parse("str", request.form.get("store_id", "")),
                live=request.form.get("live") == "yes", id=made_by_form())
    return _secret(made.public_id, secret, status=201)


@bp.get("/endpoints/<endpoint_id>")
@requires(Permission.WEBHOOK_READ)
def one_endpoint(endpoint_id: str) -> Response:
    return show("merchant/developers/endpoint.html", error=None, wrong={}, values={}, **_endpoint(endpoint_id))


@bp.post("/endpoints/<endpoint_id>/settings")
@requires(Permission.WEBHOOK_MANAGE, step_up=True)
def change_endpoint(endpoint_id: str) -> Response:
    with redisplay("merchant/developers/endpoint.html", lambda: _endpoint(endpoint_id)):
        command = bind(ChangeEndpoint, _asked("url"), endpoint_id=endpoint_id, events=_events(),
                       description=request.form.get("description", "").strip() or None)
        with transaction() as session:
            service.change_endpoint(session, signed_in(), command)
    flash(gettext("Saved."))
    return _back(endpoint_id)


@bp.post("/endpoints/<endpoint_id>/state")
@requires(Permission.WEBHOOK_MANAGE)
def switch_endpoint(endpoint_id: str) -> Response:
    with redisplay("merchant/developers/endpoint.html", lambda: _endpoint(endpoint_id)), transaction() as session:
        service.change_endpoint(session, signed_in(), ChangeEndpoint(
            endpoint_id=endpoint_id, active=request.form.get("on") == "yes"))
    return _back(endpoint_id)


@bp.post("/endpoints/<endpoint_id>/test")
@requires(Permission.WEBHOOK_MANAGE)
@once
def test_endpoint(endpoint_id: str) -> Response:
    """A real delivery through the sender; its page shows the answer as soon as there is one."""
    with redisplay("merchant/developers/endpoint.html", lambda: _endpoint(endpoint_id)), transaction() as session:
        delivery = service.ping(session, signed_in(), Ping(endpoint_id=endpoint_id))
    return redirect(url_for(".one_delivery", delivery_id=delivery.public_id), 303)  # type: ignore[return-value]


@bp.get("/endpoints/<endpoint_id>/secret")
@requires(Permission.WEBHOOK_MANAGE)
def rotation(endpoint_id: str) -> Response:
    return show("merchant/developers/endpoint_rotation.html", fragment="merchant/developers/_endpoint_rotation.html",
                error=None, **_endpoint(endpoint_id))


@bp.post("/endpoints/<endpoint_id>/secret")
@requires(Permission.WEBHOOK_MANAGE, step_up=True)
def rotate_secret(endpoint_id: str) -> Response:
    """Shows the new secret this once; a form that is sent again changes nothing, for it names the secret it saw."""
    with redisplay("merchant/developers/endpoint_rotation.html", lambda: _endpoint(endpoint_id)):
        command = bind(RotateSecret, _asked("seen"), endpoint_id=endpoint_id)
        with transaction() as session:
            _, secret = service.rotate_secret(session, signed_in(), command)
    return _secret(endpoint_id, secret)


@bp.get("/endpoints/<endpoint_id>/deletion")
@requires(Permission.WEBHOOK_MANAGE)
def deletion(endpoint_id: str) -> Response:
    return show("merchant/developers/endpoint_deletion.html", fragment="merchant/developers/_endpoint_deletion.html",
                **_endpoint(endpoint_id))


@bp.post("/endpoints/<endpoint_id>/deletion")
@requires(Permission.WEBHOOK_MANAGE, step_up=True)
def delete_endpoint(endpoint_id: str) -> Response:
    with transaction() as session:
        service.delete_endpoint(session, signed_in(), DeleteEndpoint(endpoint_id=endpoint_id))
    flash(gettext("The endpoint is deleted. Its deliveries stay on record."))
    return redirect(url_for(".endpoints"), 303)  # type: ignore[return-value]


def _new() -> dict[str, Any]:
    return {**form_facts(), "offered": listing.OFFERED, "chosen": request.form.getlist("events") or [ALL_TYPES]}


def _endpoint(endpoint_id: str) -> dict[str, Any]:
    session, actor = reader(), signed_in()
    listed = listing.one_endpoint(session, actor, endpoint_id)
    told = listing.list_deliveries(session, actor, DeliveryFilters(endpoint=endpoint_id), cursor=None)
    return {"listed": listed, "replay": replays.newest(session, listed.endpoint),
            "deliveries": told.rows[:LATEST], "test_mode": not listed.endpoint.live,
            "chosen": request.form.getlist("events") or listed.endpoint.types,
            "offered": list(dict.fromkeys([*listing.OFFERED, *listed.endpoint.types]))}


def _events() -> list[str]:
    """What was ticked; "all" is all, whatever else is ticked beside it."""
    ticked = request.form.getlist("events")
    return [ALL_TYPES] if ALL_TYPES in ticked else ticked


def _asked(*names: str) -> dict[str, str]:
    """These fields of the form; what was left empty is not asked for."""
    return {name: value for name in names if (value := request.form.get(name, "").strip())}


def _secret(endpoint_id: str, secret: str, *, status: int = 200) -> Response:
    return show("merchant/developers/endpoint_secret.html", status=status, secret=secret,
                listed=listing.one_endpoint(reader(), signed_in(), endpoint_id))


def _back(endpoint_id: str) -> Response:
    return redirect(url_for(".one_endpoint", endpoint_id=endpoint_id), 303)  # type: ignore[return-value]
