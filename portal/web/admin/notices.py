"""The log of notices: what was said to whom, by which channel, when, or why not."""
from flask import Blueprint, Response, request
from flask_babel import gettext

from portal.core.access import Permission, requires
from portal.core.db import reader
from portal.notices import queries, words
from portal.notices.models import Notice
from portal.notices.queries import LogFilter
from portal.web.identity import signed_in
from portal.web.locale import language
from portal.web.notices import CHANNELS, STATES
from portal.web.render import show

bp = Blueprint("admin_notices", __name__, url_prefix="/admin/notices")
TEXT_MAX = 255


@bp.get("")
@requires(Permission.AUDIT_READ)
def index() -> Response:
    wanted = LogFilter(_text("email"), _text("channel"), _text("state"))
    page = queries.log(reader(), signed_in(), wanted, cursor=request.args.get("after"))
    return show("admin/notices/index.html", page=page, wanted=wanted, people=queries.people(reader(), page.rows),
                said=_said, channels=_options(CHANNELS), states=_options(STATES), channel_names=CHANNELS,
                state_names=STATES)


def _said(notice: Notice) -> str:
    return words.of(notice.happening.event, notice.happening.facts, locale=language(), role="admin").title


def _options(names: dict[str, str]) -> list[tuple[str, str]]:
    return [(code, gettext(name)) for code, name in names.items()]


def _text(name: str) -> str:
    return request.args.get(name, "").replace("\0", "").strip()[:TEXT_MAX]
