"""People who sign in: the list, one with what they may do and where they sit, a new one, a password for one sign-in."""
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from portal import approvals
from portal.core import ids
from portal.core.access import TEMPLATES, Actor, Permission, Role, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.parties import (
    access_reviews,
    invitations,
    lists,
    name_and_email,
    permissions,
    queries,
    second_factor,
    sessions,
    users,
)
from portal.parties.commands import DisableUser, InviteUser, MoveUser, SetPermissions, SetPerson
from portal.web import right_labels
from portal.web.admin import labels
from portal.web.admin.acts import act
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_users", __name__, url_prefix="/admin/users")
ONE, NEW, PASSWORD = "admin/users/one.html", "admin/users/new.html", "admin/users/password.html"
ROLES = tuple(str(role) for role in Role)
NO_COMPANY: dict[str, Any] = {"merchant_id": None, "trader_id": None}
NAMES: dict[str, Any] = {"role_names": labels.ROLES, "template_names": labels.TEMPLATES, "noun": right_labels.noun,
                         "verb": right_labels.verb}


@bp.get("")
@requires(Permission.USER_READ)
def index() -> Response:
    session, actor = reader(), signed_in()
    filters = lists.Filters.of(request.args, statuses=lists.STATUSES["users"], kinds=ROLES)
    page = lists.users(session, actor, filters, cursor=request.args.get("after"))
    return show("admin/users/index.html", page=page, filters=filters, template_of=template_of, **NAMES,
                seen=lists.last_seen(session, [user.id for user in page.rows]))


@bp.get("/new")
@requires(Permission.USER_MANAGE)
def new() -> Response:
    return show(NEW, error=None, wrong={}, values={}, **_company())


@bp.post("")
@requires(Permission.USER_MANAGE, step_up=True)
@once
def create() -> Response:
    typed = MultiDict((name, value) for name, value in request.form.items() if name not in ("merchant", "trader"))
    with act(NEW, _company) as session:
        user, password = invitations.invite(session, signed_in(), bind(InviteUser, typed, **_company()["belongs"]))
    return show(PASSWORD, user=user, password=password, status=201)


@bp.get("/<user_id>")
@requires(Permission.USER_READ)
def one(user_id: str) -> Response:
    return show(ONE, error=None, wrong={}, values={}, **_user(user_id))


@bp.post("/<user_id>/person")
@requires(Permission.USER_MANAGE, step_up=True)
@once
def set_person(user_id: str) -> Response:
    with act(ONE, _user, user_id) as session:
        waits = name_and_email.set_person(session, signed_in(), bind(SetPerson, request.form,
                                                               user_id=ids.parse("usr", user_id)))
    flash(gettext("The other address waits for a second person.") if waits else gettext("Saved."))
    return _to(user_id)


@bp.post("/<user_id>/permissions")
@requires(Permission.USER_MANAGE, step_up=True)
@once
def set_permissions(user_id: str) -> Response:
    with act(ONE, _user, user_id) as session:
        permissions.set_permissions(session, signed_in(), bind(
            SetPermissions, request.form, user_id=ids.parse("usr", user_id),
            permissions=tuple(request.form.getlist("permissions"))))
    return _to(user_id)


@bp.post("/<user_id>/disabling")
@requires(Permission.USER_MANAGE)
def disable(user_id: str) -> Response:
    with act(ONE, _user, user_id) as session:
        users.disable(session, signed_in(), bind(DisableUser, request.form, user_id=ids.parse("usr", user_id)))
    return _to(user_id)


@bp.post("/<user_id>/enabling")
@requires(Permission.USER_MANAGE, step_up=True)
@once
def enable(user_id: str) -> Response:
    with act(ONE, _user, user_id) as session:
        waits = users.enable(session, signed_in(), bind(
            DisableUser, request.form, user_id=ids.parse("usr", user_id)))
    if waits:
        flash(gettext("This waits for a second person."))
    return _to(user_id)


@bp.post("/<user_id>/sessions-end")
@requires(Permission.USER_MANAGE)
def end_sessions(user_id: str) -> Response:
    with act(ONE, _user, user_id) as session:
        invitations.end_sessions(session, signed_in(), bind(MoveUser, request.form, user_id=ids.parse("usr", user_id)))
    return _to(user_id)


@bp.post("/<user_id>/password")
@requires(Permission.USER_MANAGE, step_up=True)
@once
def give_password(user_id: str) -> Response:
    with act(ONE, _user, user_id) as session:
        user, password = invitations.give_password(session, signed_in(), bind(
            MoveUser, request.form, user_id=ids.parse("usr", user_id)))
    if password is None:
        flash(gettext("This waits for a second person, who will be shown the password."))
        return _to(user_id)
    return show(PASSWORD, user=user, password=password)


@bp.post("/<user_id>/second-factor-reset")
@requires(Permission.USER_MANAGE, step_up=True)
@once
def reset_factor(user_id: str) -> Response:
    with act(ONE, _user, user_id) as session:
        second_factor.ask_reset(session, signed_in(), bind(MoveUser, request.form, user_id=ids.parse("usr", user_id)))
    flash(gettext("This waits for a second person."))
    return _to(user_id)


def template_of(user: Any) -> str | None:
    """The template whose rights these are exactly; none for a set of one's own."""
    held = permissions.held(user)
    return next((name for name in permissions.OF_ROLE[Role(user.role)]
                 if held == {str(permission) for permission in TEMPLATES[name]}), None)


def _to(user_id: str) -> Response:
    return redirect(url_for(".one", user_id=user_id), 303)  # type: ignore[return-value]


def _company() -> dict[str, Any]:
    """Whose person the new one is to be: a merchant's, a trader's, or one of the staff."""
    session, actor = reader(), signed_in()
    if shown := request.values.get("merchant"):
        merchant = queries.merchant(session, actor, shown)
        return {"company": merchant, "sort": "merchant", "belongs": NO_COMPANY | {"merchant_id": merchant.id},
                "templates": permissions.OF_ROLE[Role.MERCHANT], **NAMES}
    if shown := request.values.get("trader"):
        trader = queries.trader(session, actor, shown)
        return {"company": trader, "sort": "trader", "belongs": NO_COMPANY | {"trader_id": trader.id},
                "templates": ("trader",), **NAMES}
    givable = [name for name in permissions.OF_ROLE[Role.ADMIN] if TEMPLATES[name] <= actor.permissions]
    return {"company": None, "sort": "", "belongs": NO_COMPANY,
            "templates": givable, **NAMES}


def _user(user_id: str) -> dict[str, Any]:
    session, actor = reader(), signed_in()
    user = queries.user(session, actor, user_id)
    held = permissions.held(user)
    return {"user": user, "held": held, "template": template_of(user), **NAMES,
            "open_sessions": sessions.of_user(session, user.id, user.role),
            "givable": permissions.givable(actor, Role(user.role)) | held, "groups": _groups(actor, user, held),
            "templates": permissions.OF_ROLE[Role(user.role)],
            "waiting": approvals.waiting_for(session, "user", user.id),
            "expiring": access_reviews.expiring(user),
            "history": queries.history(session, actor, "user", user.id)}


def _groups(actor: Actor, user: Any, held: set[str]) -> dict[str, list[str]]:
    """What can be ticked, by noun: what the actor may give and what the user holds."""
    groups: dict[str, list[str]] = {}
    for permission in Permission:
        if permission in held or permission in permissions.givable(actor, Role(user.role)):
            groups.setdefault(permission.partition(":")[0], []).append(str(permission))
    return groups
