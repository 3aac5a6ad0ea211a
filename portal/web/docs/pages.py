"""/docs: how to begin, and every call. Open to everybody; sent again only when it changed."""
import hashlib
import re
from typing import Any

from flask import Blueprint, Response, request

from portal.core.errors import NotFound
from portal.web.docs.reference import reference
from portal.web.render import show

bp = Blueprint("docs", __name__, url_prefix="/docs")
MOMENT = re.compile(rb' data-now="\d+"')
PAGES = {
    "authentication": "docs/authentication.html", "idempotency": "docs/idempotency.html",
    "errors": "docs/errors.html", "webhooks": "docs/webhooks.html", "testing": "docs/testing.html",
    "compatibility": "docs/compatibility.html",
}


@bp.get("")
def index() -> Response:
    return _cached("docs/index.html")


@bp.get("/<name>")
def page(name: str) -> Response:
    """A guide. `/docs/errors#code` is what the `type` of every problem leads to."""
    if name not in PAGES:
        raise NotFound()
    return _cached(PAGES[name])


@bp.get("/reference/<tag>")
def calls(tag: str) -> Response:
    found = next((one for one in reference().tags if one.slug == tag), None)
    if found is None:
        raise NotFound()
    return _cached("docs/calls.html", tag=found)


def _cached(template: str, **context: Any) -> Response:
    """With an ETag of what was drawn, but for the moment: language, theme and who is signed in are in it."""
    response = show(template, reference=reference(), **context)
    response.set_etag(hashlib.sha256(MOMENT.sub(b"", response.get_data())).hexdigest()[:32])
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.add("Cookie")
    response.make_conditional(request)
    return response
