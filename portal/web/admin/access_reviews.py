"""The quarterly review: who of the staff holds what, when they last used it, and whether somebody has looked."""
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal.core import ids
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.parties import access_reviews, permissions
from portal.parties.commands import MoveUser
from portal.web.admin.acts import act
from portal.web.admin.users import NAMES, bp, template_of
from portal.web.identity import signed_in
from portal.web.render import show

PAGE = "admin/users/reviews.html"


@bp.get("/reviews")
@requires(Permission.USER_READ)
def reviews() -> Response:
    return show(PAGE, error=None, wrong={}, values={}, **_people())


@bp.post("/<user_id>/review")
@requires(Permission.USER_MANAGE)
def review(user_id: str) -> Response:
    with act(PAGE, _people) as session:
        access_reviews.confirm(session, signed_in(), bind(MoveUser, request.form, user_id=ids.parse("usr", user_id)))
    flash(gettext("Noted: these rights are needed."))
    return redirect(url_for(".reviews"), 303)  # type: ignore[return-value]


def _people() -> dict[str, Any]:
    return {"people": access_reviews.people(reader(), signed_in()), "expiring": access_reviews.expiring,
            "template_of": template_of, "held": permissions.held, **NAMES}
