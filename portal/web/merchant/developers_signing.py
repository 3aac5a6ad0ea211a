"""Developers: rolling a key, the secret that its calls are signed with, and which calls must be signed."""
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core import ids
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.parties import key_list, key_rolling, key_signing, queries
from portal.parties.commands import MakeSigningSecret, RequireSignedPayouts, RequireSigning, RollKey
from portal.web.identity import signed_in
from portal.web.merchant.developers import bp, key_facts, made_by_form, sample
from portal.web.render import redisplay, show

OVERLAPS_H = (0, 1, 24, 72, 168)
KEY, ROLLING = "merchant/developers/key.html", "merchant/developers/key_rolling.html"


@bp.get("/keys/<key_id>/rolling")
@requires(Permission.KEY_MANAGE)
def rolling(key_id: str) -> Response:
    return show(ROLLING, fragment="merchant/developers/_key_rolling.html", error=None, **_rolling(key_id))


@bp.post("/keys/<key_id>/rolling")
@requires(Permission.KEY_MANAGE, step_up=True)
def roll_key(key_id: str) -> Response:
    """As with a new key: the answer to this POST is the only place where it stands."""
    with redisplay(ROLLING, lambda: _rolling(key_id)):
        command = bind(RollKey, request.form, key_id=ids.parse("key", key_id))
        with transaction() as session:
            key, token = key_rolling.roll(session, signed_in(), command, id=made_by_form())
    return show("merchant/developers/key_made.html", status=201, token=token, sample=sample(),
                listed=key_list.one(reader(), signed_in(), key.id))


@bp.get("/keys/<key_id>/signing-secret")
@requires(Permission.KEY_MANAGE)
def signing_secret(key_id: str) -> Response:
    return show("merchant/developers/key_secret_new.html", fragment="merchant/developers/_key_secret_new.html",
                error=None, **key_facts(key_id))


@bp.post("/keys/<key_id>/signing-secret")
@requires(Permission.KEY_MANAGE, step_up=True)
def make_signing_secret(key_id: str) -> Response:
    """Shows the new secret this once; a form that is sent again changes nothing, for it names the secret it saw."""
    with redisplay("merchant/developers/key_secret_new.html", lambda: key_facts(key_id)):
        command = bind(MakeSigningSecret, request.form, key_id=ids.parse("key", key_id))
        with transaction() as session:
            key, secret = key_signing.make_secret(session, signed_in(), command)
    return show("merchant/developers/key_secret.html", secret=secret,
                listed=key_list.one(reader(), signed_in(), key.id))


@bp.post("/keys/<key_id>/signing")
@requires(Permission.KEY_MANAGE, step_up=True)
def require_signing(key_id: str) -> Response:
    with redisplay(KEY, lambda: key_facts(key_id)):
        command = bind(RequireSigning, request.form, key_id=ids.parse("key", key_id))
        with transaction() as session:
            key_signing.require(session, signed_in(), command)
    flash(gettext("Saved."))
    return redirect(url_for(".one_key", key_id=key_id), 303)  # type: ignore[return-value]


@bp.get("/signing")
@requires(Permission.KEY_READ)
def signing() -> Response:
    return show("merchant/developers/signing.html", error=None, **_stores())


@bp.post("/stores/<store_id>/signed-payouts")
@requires(Permission.KEY_MANAGE, step_up=True)
def require_signed_payouts(store_id: str) -> Response:
    store = queries.found(reader(), queries.stores_visible_to(signed_in()), ids.parse("str", store_id))
    with redisplay("merchant/developers/signing.html", lambda: _stores()):
        command = bind(RequireSignedPayouts, request.form, store_id=store.id)
        with transaction() as session:
            key_signing.require_for_payouts(session, signed_in(), command)
    flash(gettext("Saved."))
    return redirect(url_for(".signing"), 303)  # type: ignore[return-value]


def _rolling(key_id: str) -> dict[str, Any]:
    return {**key_facts(key_id), "overlaps": OVERLAPS_H}


def _stores() -> dict[str, Any]:
    session, actor = reader(), signed_in()
    return {"stores": key_list.stores(session, actor), "unsigned": key_list.paying_without_secret(session, actor)}
