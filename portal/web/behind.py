"""Pages that may be a moment behind read from a standby, where DATABASE_REPLICA_URL names one.

What a person did last is always there: a cookie holds how far the primary had come by then.
"""
import re
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, request

from portal.core import replica
from portal.core.db import db, engine_options
from portal.settings import Settings
from portal.web import htmx

F = TypeVar("F", bound=Callable[..., Any])
COOKIE, COOKIE_S = "seen", 60
PLACE = re.compile(r"[0-9A-F]{1,8}/[0-9A-F]{1,8}")


def may_lag(view: F) -> F:
    """This page only reads, and nobody acts on what its last second brought. Below `@requires`."""
    view.may_lag = True  # type: ignore[attr-defined]
    return view


def register(app: Flask, settings: Settings) -> None:
    if settings.database_replica_url is None:
        return
    app.extensions[replica.KEY] = replica.connect(
        settings.replica_url, engine_options("web", pool_size=settings.database_pool_size,
                                             prepared=settings.database_prepared))

    @app.after_request
    def remember(response: Response) -> Response:
        if request.method in ("GET", "HEAD", "OPTIONS") or g.get("actor") is None or response.status_code >= 400:
            return response
        if place := replica.position(db.engine):
            response.set_cookie(COOKIE, place, max_age=COOKIE_S, httponly=True, samesite="Lax", secure=settings.https)
        return response


def choose(view: Callable[..., Any]) -> None:
    """Before this view: lead its session to the standby, if both may."""
    standby = current_app.extensions.get(replica.KEY)
    if standby is None or not getattr(view, "may_lag", False) or htmx.wants_fragment():
        return  # what a page asks for by itself it asks because something has just changed
    seen = request.cookies.get(COOKIE, "")
    replica.lead(db.session(), standby, seen if PLACE.fullmatch(seen) else None)
