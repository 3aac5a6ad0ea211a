"""Who did what, from where, before and after; narrowed by person, act, record and day."""
from flask import Blueprint, Response, request
from flask_babel import gettext

from portal.core import audit, seals
from portal.core.access import Permission, requires
from portal.core.codes import named
from portal.core.date_range import Days
from portal.core.db import reader
from portal.core.names import order_key
from portal.web.audit_labels import act_words
from portal.web.behind import may_lag
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_audit", __name__, url_prefix="/admin/audit")
TEXT_MAX = 255


@bp.get("")
@requires(Permission.AUDIT_READ)
@may_lag
def index() -> Response:
    session, days = reader(), Days.of(request.args)
    wanted = audit.AuditFilter(_text("actor"), _text("action"), _text("kind"), _text("target"), days.since, days.until)
    page = audit.page(session, signed_in(), wanted, cursor=request.args.get("after"))
    return show("admin/audit/index.html", page=page, wanted=wanted, days=days, kept=audit.append_only(session),
                seal=seals.state(session),
                actions=_options(audit.distinct(session, "action")),
                kinds=[(kind, gettext(named(kind))) for kind in audit.distinct(session, "target_kind")])


def _options(values: list[str]) -> list[tuple[str, str]]:
    """By their words, in the reader's language."""
    return sorted(((value, gettext(act_words(value))) for value in values), key=lambda pair: order_key(pair[1]))


def _text(name: str) -> str:
    return request.args.get(name, "").replace("\0", "").strip()[:TEXT_MAX]
