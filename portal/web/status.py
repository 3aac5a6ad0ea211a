"""`/status`: how the desk is, for whoever wonders whether it is them; fed by what the probes and the metrics look at.

Words alone: no figures, no names. It is drawn without a database, too, which is when it is asked for most.
"""
from datetime import timedelta
from time import monotonic
from typing import NamedTuple

from flask import Blueprint, Response
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from portal.core import clock, readiness
from portal.core.db import reader
from portal.core.errors import PortalError
from portal.core.jobs.liveness import due_since, liveness_by_kind
from portal.reference import pauses
from portal.web.badges import N_
from portal.web.render import show

bp = Blueprint("status", __name__)
KEPT_S = 5.0  # a crowd that reloads is one look
LATE = {"match_order": timedelta(minutes=1), "settle_order": timedelta(minutes=1),
        "deliver_webhook": timedelta(minutes=5)}
PARTS = {"orders": N_("Orders are taken"), "match_order": N_("Requisites are found"),
         "settle_order": N_("Payments are settled"), "deliver_webhook": N_("Stores are told by webhook")}


class Look(NamedTuple):
    """`states`: ok, slow, paused or down, by part."""

    at: float
    states: dict[str, str]

    @property
    def worst(self) -> str:
        return next((one for one in ("down", "slow", "paused") if one in self.states.values()), "ok")


_last = Look(float("-inf"), {})


@bp.get("/status")
def index() -> Response:
    global _last
    if monotonic() - _last.at > KEPT_S:
        _last = Look(monotonic(), _states())
    return show("status/index.html", states=_last.states, worst=_last.worst, parts=PARTS)


def _states() -> dict[str, str]:
    try:
        if readiness.reasons_not_ready():
            return dict.fromkeys(PARTS, "down")
        session = reader()
        alive = all(one.alive for one in liveness_by_kind(session))
        return {"orders": "paused" if pauses.current(session) is not None else "ok"} | {
            kind: _of(session, kind, alive) for kind in LATE}
    except (SQLAlchemyError, PortalError):
        return dict.fromkeys(PARTS, "down")


def _of(session: Session, kind: str, alive: bool) -> str:
    """By the oldest that waits; what nobody works on at all is down."""
    oldest = due_since(session, kind)
    late = oldest is not None and clock.now() - oldest > LATE[kind]
    return "ok" if not late and alive else "slow" if alive else "down"
