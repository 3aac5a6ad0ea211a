"""Feeds of rates: which pair, from where, how often, what each source said last, and a rate that jumped and waits."""
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from portal import reference
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.reference import feeds
from portal.web.admin.acts import act
from portal.web.filters import plain
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_rate_feeds", __name__, url_prefix="/admin/rates/feeds")
INDEX, ONE = "admin/rates/feeds.html", "admin/rates/feed.html"
CLEAN: dict[str, Any] = {"error": None, "wrong": {}, "values": {}}


@bp.get("")
@requires(Permission.REFERENCE_READ)
def index() -> Response:
    return show(INDEX, **CLEAN, **_all())


@bp.post("")
@requires(Permission.REFERENCE_MANAGE)
@once
def add() -> Response:
    with act(INDEX, _all) as session:
        feed = feeds.add(session, signed_in(), bind(feeds.AddFeed, request.form))
        feed_id = feed.public_id
    return _back(feed_id)


@bp.get("/<feed_id>")
@requires(Permission.REFERENCE_READ)
def one(feed_id: str) -> Response:
    return show(ONE, **CLEAN, **_one(feed_id))


@bp.post("/<feed_id>")
@requires(Permission.REFERENCE_MANAGE)
def change(feed_id: str) -> Response:
    with act(ONE, _one, feed_id) as session:
        feeds.change(session, signed_in(), bind(feeds.SetFeed, request.form, feed_id=feed_id))
    return _back(feed_id)


@bp.post("/<feed_id>/switch")
@requires(Permission.REFERENCE_MANAGE)
def switch(feed_id: str) -> Response:
    with act(ONE, _one, feed_id) as session:
        feeds.switch(session, signed_in(), bind(feeds.ActOnFeed, request.form, feed_id=feed_id))
    return _back(feed_id)


@bp.post("/<feed_id>/request")
@requires(Permission.REFERENCE_MANAGE)
def ask_now(feed_id: str) -> Response:
    with act(ONE, _one, feed_id) as session:
        feeds.ask_now(session, feeds.one(session, feed_id))
    return _back(feed_id)


@bp.post("/<feed_id>/held-rate")
@requires(Permission.REFERENCE_MANAGE)
def let_through(feed_id: str) -> Response:
    """A rate that jumped counts after all. Gone meanwhile: 409 with the feed as it is now."""
    with act(ONE, _one, feed_id) as session:
        feeds.let_through(session, signed_in(), bind(feeds.LetThrough, request.form, feed_id=feed_id))
    return _back(feed_id)


@bp.post("/<feed_id>/sources")
@requires(Permission.REFERENCE_MANAGE)
@once
def add_source(feed_id: str) -> Response:
    with act(ONE, _one, feed_id) as session:
        feeds.add_source(session, signed_in(), bind(feeds.AddSource, request.form, feed_id=feed_id))
    return _back(feed_id)


@bp.post("/<feed_id>/sources/<source_id>/removal")
@requires(Permission.REFERENCE_MANAGE)
def remove_source(feed_id: str, source_id: str) -> Response:
    with act(ONE, _one, feed_id) as session:
        feeds.remove_source(session, signed_in(), bind(feeds.ActOnFeed, request.form, feed_id=feed_id), source_id)
    return _back(feed_id)


def _back(feed_id: str) -> Response:
    return redirect(url_for(".one", feed_id=feed_id), 303)  # type: ignore[return-value]


def _all() -> dict[str, Any]:
    known = [one for one in reference.snapshot(reader()).currencies.values() if one.active]
    return {"feeds": feeds.all_feeds(reader()),
            "bases": [(one.code, one.code) for one in sorted(known, key=lambda one: one.kind != "crypto")],
            "quotes": [(one.code, one.code) for one in sorted(known, key=lambda one: one.kind != "fiat")]}


def _one(feed_id: str) -> dict[str, Any]:
    feed = feeds.one(reader(), feed_id)
    terms = {"interval_s": feed.interval_s, "sources_min": feed.sources_min} | {
        f"{name}_percent": plain(Decimal(getattr(feed, f"{name}_bps")) / 100)
        for name in ("spread", "outlier", "jump")}
    return {"feed": feed, "terms": terms, "rate": reference.snapshot(reader()).rates.get((feed.base, feed.quote))}
