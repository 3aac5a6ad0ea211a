"""Every trader's instruments: the list, one with its limits and what waits for a decision, blocked and given back."""
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from portal import approvals
from portal.core import ids
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.disputes import frozen as disputes_frozen
from portal.orders import frozen as orders_frozen
from portal.orders.reading import limits_effect
from portal.parties import queries as parties
from portal.parties.models import Holder
from portal.requisites import freezing, holders, hours, limits, quarantine, queries, service, staff_list
from portal.requisites.commands import MoveByStaff
from portal.requisites.freezing import FreezeRequisite
from portal.requisites.models import Requisite
from portal.requisites.number_reveal import RevealToStaff, reveal_to_staff
from portal.web import freezes, holder_names, reference_choices
from portal.web.admin.acts import act
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import redisplay, show

bp = Blueprint("admin_requisites", __name__, url_prefix="/admin/requisites")
ONE = "admin/requisites/one.html"


@bp.get("")
@requires(Permission.REQUISITE_READ)
def index() -> Response:
    session = reader()
    filters = staff_list.Filters.of(request.args)
    page = staff_list.page(session, signed_in(), filters, cursor=request.args.get("after"))
    return show("admin/requisites/index.html", page=page, filters=filters, used=queries.used,
                methods=reference_choices.methods(), banks=reference_choices.banks())


@bp.get("/frozen")
@requires(Permission.REQUISITE_READ)
def frozen() -> Response:
    """All that is frozen, and what is stuck there in all."""
    freezes = freezing.frozen(reader(), signed_in())
    return show("admin/requisites/frozen.html", freezes=freezes, stuck=freezing.stuck_in_all(freezes))


@bp.get("/<requisite_id>")
@requires(Permission.REQUISITE_READ)
def one(requisite_id: str) -> Response:
    return show(ONE, error=None, wrong={}, values={}, **_requisite(requisite_id))


@bp.post("/<requisite_id>/number")
@requires(Permission.REQUISITE_MANAGE, step_up=True)
def number(requisite_id: str) -> Response:
    with redisplay(ONE, lambda: _requisite(requisite_id)):
        command = bind(RevealToStaff, request.form, requisite_id=requisite_id)
        with transaction() as session:
            shown = reveal_to_staff(session, signed_in(), command)
    return show(ONE, error=None, wrong={}, values={}, **_requisite(requisite_id) | {"number": shown})


@bp.post("/<requisite_id>/blocking")
@requires(Permission.REQUISITE_MANAGE)
def block(requisite_id: str) -> Response:
    with act(ONE, _requisite, requisite_id) as session:
        service.block(session, signed_in(), bind(MoveByStaff, request.form, requisite_id=requisite_id))
    return _to(requisite_id)


@bp.post("/<requisite_id>/unblocking")
@requires(Permission.REQUISITE_MANAGE)
def unblock(requisite_id: str) -> Response:
    with act(ONE, _requisite, requisite_id) as session:
        service.unblock(session, signed_in(), bind(MoveByStaff, request.form, requisite_id=requisite_id))
    return _to(requisite_id)


@bp.post("/<requisite_id>/quarantine-end")
@requires(Permission.REQUISITE_MANAGE)
def end_quarantine(requisite_id: str) -> Response:
    with act(ONE, _requisite, requisite_id) as session:
        quarantine.lift(session, signed_in(), bind(MoveByStaff, request.form, requisite_id=requisite_id))
    return _to(requisite_id)


@bp.post("/<requisite_id>/freezing")
@requires(Permission.REQUISITE_MANAGE)
@once
def freeze(requisite_id: str) -> Response:
    """The bank froze it."""
    with act(ONE, _requisite, requisite_id) as session:
        disputes_frozen.freeze(session, signed_in(), bind(FreezeRequisite, request.form, requisite_id=requisite_id))
    return _to(requisite_id)


@bp.post("/<requisite_id>/stuck")
@requires(Permission.REQUISITE_MANAGE)
def say_stuck(requisite_id: str) -> Response:
    with act(ONE, _requisite, requisite_id) as session:
        freezing.say_stuck(session, signed_in(), bind(FreezeRequisite, request.form, requisite_id=requisite_id))
    return _to(requisite_id)


@bp.post("/<requisite_id>/thawing")
@requires(Permission.REQUISITE_MANAGE)
def thaw(requisite_id: str) -> Response:
    with act(ONE, _requisite, requisite_id) as session:
        orders_frozen.thaw(session, signed_in(), bind(MoveByStaff, request.form, requisite_id=requisite_id))
    return _to(requisite_id)


def _to(requisite_id: str) -> Response:
    return redirect(url_for(".one", requisite_id=requisite_id), 303)  # type: ignore[return-value]


def _requisite(requisite_id: str) -> dict[str, Any]:
    session, actor = reader(), signed_in()
    requisite = queries.find(session, actor, requisite_id)
    return {"requisite": requisite, "number": None, "used": queries.used(requisite),
            "hours": hours.shown(requisite), **freezes.shown(requisite), "trial": _trial(requisite),
            "holder_id": ids.public(holders.PREFIX, requisite.holder_id),
            "holder_name": holder_names.shown(session.get_one(Holder, requisite.holder_id)),
            "waiting": approvals.waiting_for(session, "requisite", requisite.id),
            "history": parties.history(session, actor, "requisite", requisite.id)}



def _trial(requisite: Requisite) -> limits_effect.LimitsEffect | None:
    """What the limits that wait for a second person would have made of yesterday's orders."""
    asked = approvals.waiting_for(reader(), "requisite", requisite.id, kind=limits.KIND)
    return limits_effect.effect(reader(), requisite, asked[0].after) if asked else None
