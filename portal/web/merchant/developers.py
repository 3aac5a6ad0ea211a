"""Developers: a store's API keys. Each is shown once, in the answer to the form that made it, and kept nowhere."""
from typing import Any
from uuid import UUID, uuid5

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core import ids
from portal.core.access import SCOPE_WORDS, Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.parties import key_list, keys
from portal.parties.commands import CreateKey, RenameKey, RevokeKey
from portal.test_mode import going_live
from portal.web.badges import N_
from portal.web.docs.reference import operation
from portal.web.identity import signed_in
from portal.web.render import redisplay, show

# each with the page of the documentation that says how
GOING_LIVE = {
    going_live.KEY: (N_("Make a test key"), "authentication"),
    going_live.ANSWERED: (N_("Have your webhook address answer with 2xx"), "webhooks"),
    "payin.completed": (N_("Have a payin completed: an amount that ends in .00"), "testing"),
    "payin.expired": (N_("Have one expire: .04, and advance"), "testing"),
    "payin.failed": (N_("Have one fail: .06"), "testing"),
    "other_amount": (N_("See less or more arrive: .02 or .03"), "testing"),
    "payin.disputed": (N_("See a dispute decided: .08 or .09"), "testing"),
    "payout.completed": (N_("Have a payout completed, out of the test balance that payins leave"), "testing"),
    "replayed": (N_("Send a create twice with one Idempotency-Key"), "idempotency"),
}
bp = Blueprint("merchant_developers", __name__, url_prefix="/merchant/developers")


@bp.get("")
@requires(Permission.KEY_READ)
def index() -> Response:
    page = key_list.page(reader(), signed_in(), cursor=request.args.get("after"))
    tried = going_live.look(reader(), key_list.stores(reader(), signed_in()))
    return show("merchant/developers/keys.html", page=page, sample=sample(), tried=tried, words=GOING_LIVE)


@bp.get("/keys/new")
@requires(Permission.KEY_MANAGE)
def new_key() -> Response:
    return show("merchant/developers/key_new.html", error=None, wrong={}, values={}, **_key_form())


@bp.post("/keys")
@requires(Permission.KEY_MANAGE, step_up=True)
def create_key() -> Response:
    """The answer to this POST is the only place where the key stands: no redirect, nothing in the session."""
    with redisplay("merchant/developers/key_new.html", lambda: _key_form()):
        command = bind(CreateKey, request.form, store_id=ids.parse("str", request.form.get("store_id", "")),
                       scopes=tuple(request.form.getlist("scopes")),
                       networks=tuple(request.form.get("networks", "").split()))
        with transaction() as session:
            key, token = keys.create(session, signed_in(), command, id=made_by_form())
    return show("merchant/developers/key_made.html", status=201, token=token, sample=sample(),
                listed=key_list.one(reader(), signed_in(), key.id))


@bp.get("/keys/<key_id>")
@requires(Permission.KEY_READ)
def one_key(key_id: str) -> Response:
    return show("merchant/developers/key.html", error=None, wrong={}, values={}, **key_facts(key_id))


@bp.post("/keys/<key_id>/name")
@requires(Permission.KEY_MANAGE)
def rename_key(key_id: str) -> Response:
    with redisplay("merchant/developers/key.html", lambda: key_facts(key_id)):
        command = bind(RenameKey, request.form, key_id=ids.parse("key", key_id))
        with transaction() as session:
            keys.rename(session, signed_in(), command)
    flash(gettext("The key has its new name."))
    return redirect(url_for(".one_key", key_id=key_id), 303)  # type: ignore[return-value]


@bp.get("/keys/<key_id>/revocation")
@requires(Permission.KEY_MANAGE)
def revocation(key_id: str) -> Response:
    return show("merchant/developers/key_revocation.html", fragment="merchant/developers/_key_revocation.html",
                **key_facts(key_id))


@bp.post("/keys/<key_id>/revocation")
@requires(Permission.KEY_MANAGE)
def revoke_key(key_id: str) -> Response:
    with transaction() as session:
        keys.revoke(session, signed_in(), RevokeKey(key_id=ids.parse("key", key_id)))
    flash(gettext("The key is revoked and opens nothing any more."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


def made_by_form() -> UUID | None:
    """The id of what this form makes: sent twice it is the same one. Of a person's own, so that nobody guesses it."""
    sent, person = request.form.get("idempotency_key", ""), signed_in().id
    return uuid5(person, sent) if sent and person is not None else None


def form_facts() -> dict[str, Any]:
    """What a form that makes something begins with."""
    return {"form_key": request.form.get("idempotency_key") or ids.text(ids.new_id()),
            "stores": key_list.stores(reader(), signed_in())}


def _key_form() -> dict[str, Any]:
    facts = form_facts()
    return {**facts, "chosen": request.form.getlist("scopes"),
            "scopes": [(name, f"{name} · {gettext(words)}") for name, words in SCOPE_WORDS.items()],
            "live_stores": [store.name for store in facts["stores"] if keys.may_be_live(store)]}


def key_facts(key_id: str) -> dict[str, Any]:
    return {"listed": key_list.one(reader(), signed_in(), ids.parse("key", key_id))}


def sample() -> list[tuple[str, str]]:
    """A first call to copy, with the beginning of a key of theirs in the place of the whole."""
    key = key_list.newest_test_key(reader(), signed_in())
    return operation("gateway_create_payin").samples(f"{key.prefix}_…" if key is not None else None)
