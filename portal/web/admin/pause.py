"""The switch that stops taking orders for the whole desk, with a reason, a message and an end."""
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.core.ids import public
from portal.parties import queries as parties
from portal.reference import pauses, pausing
from portal.reference.pauses import DESK
from portal.web import reference_choices
from portal.web.admin.acts import act
from portal.web.badges import N_
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

BEGINS = ((0, N_("Now")), (15, N_("in 15 minutes")), (60, N_("in 1 hour")), (180, N_("in 3 hours")),
          (360, N_("in 6 hours")), (720, N_("in 12 hours")), (1440, N_("in 24 hours")), (2880, N_("in 2 days")))
bp = Blueprint("admin_pause", __name__, url_prefix="/admin/pause")
PAGE = "admin/pause/index.html"
LASTS = ((15, N_("15 minutes")), (30, N_("30 minutes")), (60, N_("1 hour")), (120, N_("2 hours")), (240, N_("4 hours")),
         (720, N_("12 hours")), (1440, N_("24 hours")))


@bp.get("")
@requires(Permission.ADMIN_PORTAL)
def index() -> Response:
    return show(PAGE, error=None, wrong={}, values={}, **_choices())


@bp.post("")
@requires(Permission.DESK_PAUSE)
@once
def begin() -> Response:
    with act(PAGE, _choices) as session:
        made = pausing.pause(session, signed_in(), bind(pausing.PauseDesk, request.form), _find_store)
        whole = made.scope == DESK
    flash(gettext("No new orders from now on. Open ones go on.") if whole
          else gettext("It stands still from its beginning to its end. Open orders go on."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


@bp.post("/end")
@requires(Permission.DESK_PAUSE)
@once
def end() -> Response:
    with act(PAGE, _choices) as session:
        pausing.resume(session, signed_in(), bind(pausing.ResumeDesk, request.form))
    flash(gettext("The desk takes orders again."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


@bp.post("/<pause_id>/end")
@requires(Permission.DESK_PAUSE)
@once
def end_part(pause_id: str) -> Response:
    with act(PAGE, _choices) as session:
        pausing.resume_part(session, signed_in(), bind(pausing.ResumePart, request.form, pause_id=pause_id))
    flash(gettext("Its orders are taken again."))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


def _choices() -> dict[str, Any]:
    return {"lasts": [(minutes, gettext(words)) for minutes, words in LASTS],
            "begins": [(minutes, gettext(words)) for minutes, words in BEGINS],
            "parts": _parts(), "pauses": pauses.of_parts(reader())}


def _parts() -> list[tuple[str, str]]:
    """What can stand still, the whole desk first."""
    found = [("desk", gettext("The whole desk")), ("direction:payin", gettext("Every payin")),
             ("direction:payout", gettext("Every payout"))]
    found += [(f"method:{code}", gettext("Method %(name)s", name=name)) for code, name in reference_choices.methods()]
    found += [(f"bank:{code}", gettext("Bank %(name)s", name=name)) for code, name in reference_choices.banks()]
    return found + [(f"store:{public('str', id)}", gettext("Store %(name)s", name=name))
                    for id, name in parties.store_names(reader(), signed_in())]


def _find_store(store_id: str) -> pausing.StoreToPause:
    store = parties.store(reader(), signed_in(), store_id)
    return pausing.StoreToPause(store.id, store.name, store.merchant_id)
