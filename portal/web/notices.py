"""One's notices: the bell of every page, the list, what one is told of and by which channel."""
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core.access import Permission, requires
from portal.core.commands import NOT_OURS, bind
from portal.core.db import reader, transaction
from portal.core.errors import NotFound
from portal.notices import catalogue, channels, choices, push, queries, telegram, words
from portal.notices.choices import SetHours, SetLow
from portal.notices.models import Notice
from portal.web import devices
from portal.web.htmx import wants_fragment
from portal.web.identity import signed_in
from portal.web.locale import language
from portal.web.render import redisplay, show

bp = Blueprint("notices", __name__)
P = Permission
N_ = str
WAYS = {catalogue.OFF: N_("No"), catalogue.NOW: N_("At once"), catalogue.DIGEST: N_("In the day's letter")}
CHANNELS = {catalogue.PORTAL: N_("Here, in the portal"), catalogue.MAIL: N_("Mail"), catalogue.TELEGRAM: N_("Telegram"),
            catalogue.PUSH: N_("My browsers"),
            catalogue.OPERATOR: N_("The operator's address")}
STATES = {"waiting": N_("Waits"), "sent": N_("Sent"), "failed": N_("Failed")}


@bp.get("/notices")
@requires(P.PROFILE)
def index() -> Response:
    unread = request.args.get("unread") == "yes"
    page = queries.page(reader(), signed_in(), unread=unread, cursor=request.args.get("after"))
    return show("notices/index.html", page=page, only_unread=unread, said=said, **layout())


@bp.get("/notices/bell")
@requires(P.PROFILE)
def bell() -> Response:
    """For a page that is open: somebody was told something, or has read it elsewhere."""
    if not wants_fragment():
        return redirect(url_for(".index"), 303)  # type: ignore[return-value]
    return show("shared/_bell.html")


@bp.post("/notices/reading")
@requires(P.PROFILE)
def read_all() -> Response:
    with transaction() as session:
        queries.read_all(session, signed_in())
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


@bp.post("/notices/<notice_id>/reading")
@requires(P.PROFILE)
def read(notice_id: str) -> Response:
    """It is read, and leads to what it is about."""
    with transaction() as session:
        notice = queries.read(session, signed_in(), notice_id)
    return redirect(said(notice).path, 303)  # type: ignore[return-value]


@bp.get("/profile/notices")
@requires(P.PROFILE)
def choose() -> Response:
    return show("notices/choices.html", error=None, wrong={}, values={}, **what_is_chosen())


@bp.post("/profile/notices/hours")
@requires(P.PROFILE)
def set_hours() -> Response:
    with redisplay("notices/choices.html", what_is_chosen):
        command = bind(SetHours, request.form)
        with transaction() as session:
            choices.set_hours(session, signed_in(), command)
    return _kept()


@bp.post("/profile/notices/low-balance")
@requires(P.PROFILE)
def set_low() -> Response:
    with redisplay("notices/choices.html", what_is_chosen):
        command = bind(SetLow, request.form)
        with transaction() as session:
            choices.set_low(session, signed_in(), command)
    return _kept()


@bp.post("/profile/notices/telegram")
@requires(P.PROFILE, step_up=True)
def link_telegram() -> Response:
    """The link stands on this page once."""
    if not telegram.is_on():
        raise NotFound()
    with transaction() as session:
        link = telegram.new_link(session, signed_in())
    return show("notices/choices.html", error=None, wrong={}, values={}, **what_is_chosen(link))


@bp.post("/profile/notices/telegram/removal")
@requires(P.PROFILE)
def unlink_telegram() -> Response:
    with transaction() as session:
        telegram.unlink(session, signed_in())
    return _kept()


@bp.post("/profile/notices/browsers")
@requires(P.PROFILE)
def add_browser() -> Response:
    """What the browser that asks has subscribed to: `static/js/app/push.js` fills the form."""
    if push.public_key() is None:
        raise NotFound()
    with redisplay("notices/choices.html", what_is_chosen):
        command = bind(push.AddBrowser, request.form)
        with transaction() as session:
            push.add(session, signed_in(), command, called=devices.browser_name(request.user_agent.string))
    flash(gettext("This browser is told from now on."))
    return redirect(url_for(".choose"), 303)  # type: ignore[return-value]


@bp.post("/profile/notices/browsers/<browser_id>/removal")
@requires(P.PROFILE)
def remove_browser(browser_id: str) -> Response:
    with transaction() as session:
        push.remove(session, signed_in(), browser_id)
    return _kept()


@bp.get("/sw.js")
def worker() -> Response:
    """The script that a browser runs when it is told something; from the root, for it stands for the whole desk."""
    script = Path(str(current_app.static_folder), "js", "push", "worker.js").read_bytes()
    return Response(script, content_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"})


@bp.post("/profile/notices/<group>")
@requires(P.PROFILE)
def set_choices(group: str) -> Response:
    wanted = {key: value for key, value in request.form.items() if key not in NOT_OURS}
    with redisplay("notices/choices.html", what_is_chosen), transaction() as session:
        choices.choose(session, signed_in(), group, wanted)
    return _kept()


def what_is_chosen(link: str | None = None) -> dict[str, Any]:
    actor, plan = signed_in(), choices.plan(reader(), signed_in())
    events = choices.events_for(actor)
    open_ = {code: label for code, label in CHANNELS.items() if code in catalogue.CHANNELS and channels.is_on(code)}
    return {"groups": [(code, label, {name: event for name, event in events.items() if event.group == code})
                       for code, label in catalogue.GROUPS.items() if any(e.group == code for e in events.values())],
            "chosen": choices.chosen(reader(), actor), "plan": plan, "may_be_low": "balance.low" in events,
            "open_groups": {event.group for event in events.values() if open_.keys() - event.always},
            "push_key": push.public_key(), "browsers": push.browsers(reader(), actor),
            "telegram_is_on": telegram.is_on(), "telegram_link": link, "wall": choices.wall, "ways": choices.ways,
            "columns": [(gettext("What happens"), ""), *((gettext(label), "") for label in open_.values())],
            "names": WAYS, "channels": open_, **layout()}


def said(notice: Notice) -> words.Words:
    actor = signed_in()
    return words.of(notice.happening.event, notice.happening.facts, locale=language(), role=str(actor.role))


def layout() -> dict[str, Any]:
    actor = signed_in()
    return {"layout": f"{'admin' if actor.is_staff else actor.role}/layout.html"}


def _kept() -> Response:
    flash(gettext("Your choice is kept."))
    return redirect(url_for(".choose"), 303)  # type: ignore[return-value]
