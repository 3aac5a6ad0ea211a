"""The banner that the desk takes no new orders, for a page that is open: of merchants, traders and staff alike."""
from flask import Blueprint, Response, redirect, url_for

from portal.core.access import Permission, requires
from portal.core.db import reader
from portal.reference import pauses
from portal.web.htmx import wants_fragment
from portal.web.render import show

bp = Blueprint("paused", __name__, url_prefix="/paused")
BANNER = "shared/_paused.html"


@bp.get("")
@requires(Permission.PROFILE)
def banner() -> Response:
    """As it is now: the news of a pause may be here before this process has read its reference data anew."""
    if not wants_fragment():
        return redirect(url_for("auth.landing"), 303)  # type: ignore[return-value]
    return show(BANNER, paused_now=[pauses.current(reader())], parts_now=pauses.of_parts(reader()))
