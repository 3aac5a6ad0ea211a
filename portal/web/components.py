"""What every template may use: the components as `ui`, the filters, and who is reading in which language."""
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Flask, current_app, g, has_request_context, request
from flask_babel import gettext
from jinja2 import Environment, StrictUndefined, TemplateRuntimeError, Undefined, UndefinedError
from jinja2.utils import missing
from markupsafe import Markup, escape
from werkzeug.urls import iri_to_uri

from portal import reference
from portal.core import clock
from portal.core.access import Permission
from portal.core.codes import named
from portal.core.db import reader
from portal.ledger import findings
from portal.notices import announcements
from portal.notices import queries as notices
from portal.notices.announcements import Announcement
from portal.reference.pauses import PauseFacts
from portal.web.approval_labels import change_name, changed
from portal.web.assets import init_assets
from portal.web.audit_facts import audit_facts
from portal.web.audit_labels import act_words
from portal.web.badges import look
from portal.web.dispute_labels import FILTERS as DISPUTE_WORDS
from portal.web.error_texts import apology
from portal.web.filters import FILTERS
from portal.web.form_keys import new_key
from portal.web.fragment_cache import ShortCalls, drawing_once
from portal.web.identity import current_actor
from portal.web.job_labels import fault_words
from portal.web.labels import entry, field_name
from portal.web.locale import LANGUAGES, language, theme
from portal.web.navigation import navigation
from portal.web.order_looks import attention_word, refusal_reason, refusal_reasons
from portal.web.refused_forms import field_id, page_of_act, sent_to, sentences
from portal.web.risk_labels import FILTERS as OF_RISK
from portal.web.treasury_labels import account_owner, adjustment_code
from portal.web.uploads import drafts_in

FILES = ("button", "form", "badge", "money", "field", "table", "dialog", "object", "figures", "chart", "notice", "code",
         "pay", "uploads")
BRAND = "Quittance"
FORBIDDEN = re.compile(r"^(on|style$|hx-on)")


class Strict(StrictUndefined):
    """A name nobody gave is an error, not an empty place on a page about money. Only a key that a mapping lacks is
    empty: a form's values and errors hold what was sent and what was wrong, no more."""

    def __new__(cls, hint: str | None = None, obj: Any = missing, name: str | None = None,
                exc: type[TemplateRuntimeError] = UndefinedError) -> Any:
        if isinstance(obj, Mapping):
            return Undefined(hint, obj, name, exc)
        return super().__new__(cls)


class Components:
    """`ui.button(…)`: finds a macro by name among the files of `templates/components/`, once unless they may change."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def __getattr__(self, name: str) -> Callable[..., Markup]:
        for file in FILES:
            module = self._environment.get_template(f"components/{file}.html").module
            if hasattr(module, name):
                macro: Callable[..., Markup] = getattr(module, name)
                if not self._environment.auto_reload:
                    vars(self)[name] = macro
                return macro
        raise AttributeError(f"no component {name}")


def attributes(given: Mapping[str, Any]) -> Markup:
    """HTML attributes from keyword arguments: `hx_post="/x"` → ` hx-post="/x"`; None and False are left out.

    Refuses what the content security policy would block: inline handlers and styles.
    """
    parts = []
    for name, value in given.items():
        name = name.rstrip("_").replace("_", "-")
        assert not FORBIDDEN.match(name), f"{name} is blocked by the content security policy"
        if value is True:
            parts.append(f" {escape(name)}")
        elif value is not None and value is not False:
            parts.append(f' {escape(name)}="{escape(value)}"')
    return Markup("".join(parts))


def here(**changes: str | None) -> str:
    """This page's address with some query arguments changed (None drops one): for filters, language and theme."""
    query = request.args.to_dict(flat=False) if has_request_context() else {}
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = [str(value)]
    tail = urlencode(query, doseq=True)
    return iri_to_uri(request.path) + (f"?{tail}" if tail else "")


def translated(text: str) -> str:
    """Words that stand in a variable, in the reader's language, escaped as any text.

    In templates `_(…)` is for literals only: Jinja takes what it returns for safe HTML.
    """
    return gettext(text) if text else ""


def paragraphs(text: str) -> Markup:
    """Plain text with its line breaks, safe to show."""
    return Markup("<br>").join(escape(line) for line in str(text).splitlines())


def frame() -> dict[str, Any]:
    """What the frame of every page knows."""
    actor = current_actor() if has_request_context() else None
    return {
        "actor": actor,
        "lang": language(),
        "languages": LANGUAGES,
        "theme": theme() if has_request_context() else "system",
        "navigation": navigation(actor),
        "live_url": current_app.config.get("LIVE_URL") if actor is not None else None,
    }


def desk_pause() -> PauseFacts | None:
    """What every page says while the desk takes no new orders; a page that apologises for the database asks nothing."""
    if g.get("apologising"):
        return None
    pause = reference.snapshot().pause
    return pause if pause is not None and pause.holds else None


def paused_parts(parts: Iterable[PauseFacts] | None = None) -> list[PauseFacts]:
    """Methods, banks and directions that stand still just now, and stores: those of whoever is reading."""
    actor = None if g.get("apologising") else current_actor()
    if actor is None:
        return []
    return [pause for pause in (reference.snapshot().pauses_of_parts if parts is None else parts)
            if pause.holds and (pause.scope != "store" or actor.is_staff or pause.merchant_id == actor.merchant_id)]


def unread_notices() -> int:
    """Behind the bell of every page: one count that an index bounds."""
    actor = None if g.get("apologising") else current_actor()
    return 0 if actor is None else notices.unread_count(reader(), actor)


def unread_announcements() -> Sequence[Announcement]:
    """At the head of every page of a trader or a merchant."""
    actor = None if g.get("apologising") else current_actor()
    return announcements.unread(reader(), actor) if actor is not None and actor.is_owner else ()


def money_out_stopped() -> bool:
    """What pages of whoever reads the ledger say while a finding stands."""
    actor = None if g.get("apologising") else current_actor()
    return actor is not None and actor.may(Permission.LEDGER_READ) and findings.any_stands(reader())


def init_templates(app: Flask) -> None:
    """Give templates their tools."""
    environment = app.jinja_env
    environment.undefined, environment.context_class = Strict, ShortCalls
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters.update(FILTERS, **OF_RISK, paragraphs=paragraphs, translated=translated, named=named,
                               entry=entry, refusal_reason=refusal_reason, attention_word=attention_word,
                               act_words=act_words, audit_facts=audit_facts, fault_words=fault_words, changed=changed,
                               change_name=change_name, sentences=sentences, field_name=field_name,
                               account_owner=account_owner, adjustment_code=adjustment_code,
                               **DISPUTE_WORDS)
    environment.globals.update(
        ui=Components(environment), brand=BRAND, look=look, attributes=attributes, here=here, apology=apology,
        desk_pause=desk_pause, paused_parts=paused_parts, refusal_reasons=refusal_reasons,
        money_out_stopped=money_out_stopped, unread_notices=unread_notices,
        unread_announcements=unread_announcements, now=clock.now, drawing_once=drawing_once,
        field_id=field_id, new_form_key=new_key, drafts_in=drafts_in, sent_to=sent_to, page_of_act=page_of_act)
    init_assets(app)
    app.context_processor(frame)
