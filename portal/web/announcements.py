"""What the desk announces: the banner's "I have read it", the list of a trader or a merchant."""
from flask import Blueprint, Response, redirect, request, url_for

from portal.core.access import Permission, requires
from portal.core.db import reader, transaction
from portal.notices import announcements
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("announcements", __name__, url_prefix="/announcements")


@bp.get("")
@requires(Permission.PROFILE)
def index() -> Response:
    session, actor = reader(), signed_in()
    layout = "admin/layout.html" if actor.is_staff else f"{actor.role}/layout.html"
    return show("announcements/index.html", layout=layout, found=announcements.all_of(session, actor))


@bp.post("/<announcement_id>/reading")
@requires(Permission.PROFILE)
def read(announcement_id: str) -> Response:
    """Back to the page it was read on."""
    with transaction() as session:
        announcements.read(session, signed_in(), announcement_id)
    back = request.form.get("back", "")
    inside = back.startswith("/") and not back.startswith("//") and "\\" not in back
    return redirect(back if inside else url_for(".index"), 303)  # type: ignore[return-value]
