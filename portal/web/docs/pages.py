"""/docs: how to begin, and every call. Open to everybody; sent again only when it changed."""
import hashlib
import re
from typing import Any

from flask import Blueprint, Response, request

from portal.core.access import Permission
from portal.core.db import reader
from portal.core.errors import NotFound
from portal.parties import key_list
from portal.requisites.test_outcomes import ROWS
from portal.web.docs import callers, finding
from portal.web.docs.reference import reference
from portal.web.identity import current_actor
from portal.web.locale import language
from portal.web.render import show

bp = Blueprint("docs", __name__, url_prefix="/docs")
MOMENT = re.compile(rb' data-now="\d+"')
PAGES = {
    "payment-page": "docs/payment_page.html", "host-to-host": "docs/host_to_host.html",
    "payouts": "docs/payouts.html", "webhooks": "docs/webhooks.html", "authentication": "docs/authentication.html",
    "idempotency": "docs/idempotency.html", "errors": "docs/errors.html", "testing": "docs/testing.html",
    "going-live": "docs/going_live.html", "compatibility": "docs/compatibility.html", "clients": "docs/clients.html",
    "changelog": "docs/changelog.html",
}
"""Guides in the order in which they are listed, after the quick start."""
GUIDES = {"": "docs/index.html"} | PAGES
RUSSIAN = {template: template.replace("docs/", "docs/ru/") for template in GUIDES.values()}
"""Every guide in Russian, too; the reference speaks English, as the gateway does."""


@bp.get("")
def index() -> Response:
    return _cached(GUIDES[""])


@bp.get("/search")
def search() -> Response:
    """Everything there is, narrowed by `q`; the script narrows it while one types."""
    asked, entries = request.args.get("q", "")[:100], finding.entries(GUIDES, _told)
    found = finding.words(asked)
    return _cached("docs/search.html", asked=asked, entries=entries, found=found, kinds=finding.KINDS,
                   words_in=language(), any_fits=any(one.fits(found) for one in entries))


@bp.get("/<name>")
def page(name: str) -> Response:
    """A guide. `/docs/errors#code` is what the `type` of every problem leads to."""
    if name not in PAGES:
        raise NotFound()
    return _cached(PAGES[name], outcomes=ROWS, **_samples(name))


def _samples(name: str) -> dict[str, Any]:
    """What a guide shows to copy, the same in every language."""
    if name == "clients":
        return {"samples": callers.clients(_beginning_of_a_key() or "qk_test_…", reference().server)}
    return callers.SAMPLES if name == "authentication" else {}


@bp.get("/reference/<tag>")
def calls(tag: str) -> Response:
    found = next((one for one in reference().tags if one.slug == tag), None)
    if found is None:
        raise NotFound()
    return _cached("docs/calls.html", tag=found)


def _cached(template: str, **context: Any) -> Response:
    """With an ETag of what was drawn, but for the moment: language, theme and who is signed in are in it."""
    told = _told(template)
    context = {"words_in": "ru" if told != template else "en"} | context
    response = show(told, reference=reference(), guides=finding.titles(GUIDES, _told), key=_beginning_of_a_key(),
                    **context)
    response.set_etag(hashlib.sha256(MOMENT.sub(b"", response.get_data())).hexdigest()[:32])
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.add("Cookie")
    response.make_conditional(request)
    return response


def _told(template: str) -> str:
    """In the reader's language, where it is written in it."""
    return RUSSIAN.get(template, template) if language() == "ru" else template


def _beginning_of_a_key() -> str | None:
    """Of the visitor's newest test key, for the samples: its public id is known, its secret is kept nowhere."""
    actor = current_actor()
    if actor is None or not actor.may(Permission.KEY_READ) or not actor.may(Permission.MERCHANT_PORTAL):
        return None
    found = key_list.newest_test_key(reader(), actor)
    return f"{found.prefix}_…" if found is not None else None
