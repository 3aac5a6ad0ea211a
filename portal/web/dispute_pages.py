"""What the pages of disputes of all roles show, and what their forms bring."""
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from portal import files
from portal.core.commands import bind
from portal.core.db import reader
from portal.disputes import evidence, giving_in, queries, reasons, service
from portal.disputes.commands import AddStatement, GiveIn, OpenDispute
from portal.disputes.models import Dispute
from portal.disputes.reasons import Side
from portal.orders import queries as orders
from portal.orders.models import Order
from portal.orders.reopening import LATE
from portal.orders.states import Direction, Party, Status
from portal.web.identity import signed_in
from portal.web.uploads import Brought

FIELD = "files"
INDEX, NEW, ONE = "shared/dispute/index.html", "shared/dispute/new.html", "shared/dispute/one.html"


def index() -> dict[str, Any]:
    """Those that run, the next deadline first, or a page of those that are over."""
    session, actor = reader(), signed_in()
    over = request.args.get("view") == "ended"
    page = queries.ended(session, actor, cursor=request.args.get("after")) if over else None
    running = [] if over else queries.running(session, actor)
    return {"over": over, "page": page, "running": running, "mine": str(Side.of(orders.party_of(actor))),
            "beside": {one.id for one in running if queries.stands_beside(actor, one)}}


def new(order_id: str) -> dict[str, Any]:
    """What may be said of the order; nothing named: which one it is about is asked. Raises NotFound."""
    session, actor = reader(), signed_in()
    if not order_id.strip():
        return {"order": None, "offered": (), "running": None, "wanted": ()}
    order = orders.find(session, actor, order_id.strip())
    running = next(iter(one for one in queries.of_order(session, actor, order.id) if not one.ended), None)
    offered = service.may_open(session, actor, order, running=running is not None)
    return {"order": order, "offered": offered, "running": running,
            "wanted": reasons.wanted_of_any(offered, Side.of(orders.party_of(actor)))}


def one(dispute_id: str) -> dict[str, Any]:
    """The case as its reader sees it. Raises NotFound."""
    session, actor = reader(), signed_in()
    dispute = queries.find(session, actor, dispute_id)
    said = queries.thread(session, actor, dispute)
    mine, reason = Side.of(orders.party_of(actor)), reasons.BY_CODE[dispute.reason]
    beside = queries.stands_beside(actor, dispute)
    receipts = files.of(session, service.EVIDENCE, [one.id for one in said])
    return {"dispute": dispute, "order": dispute.order, "said": said, "mine": "" if beside else str(mine),
            "reason": reason, "beside": beside,
            "exchanged": actor.is_staff and queries.has_one_beside(session, dispute), "receipts": receipts,
            "brought": evidence.brought(session, dispute, said, receipts),
            "gives_in": None if beside else _gives_in(dispute, mine),
            "version": f"{dispute.order.version}-{len(said)}-{dispute.waits_for}-{dispute.outcome}"}


def link(order: Order) -> dict[str, Any]:
    """For an order's own page: the dispute that runs, else the newest, and whether its reader may open one."""
    found = queries.of_order(reader(), signed_in(), order.id)
    running = next((one for one in found if not one.ended), None)
    return {"dispute": running or next(iter(found), None),
            "may_dispute": bool(service.may_open(reader(), signed_in(), order, running=running is not None))}


def opened(session: Session, order_id: str, sent: Brought) -> Dispute:
    """Within the transaction of its view. Raises as the service."""
    return service.open_dispute(session, signed_in(), bind(
        OpenDispute, request.form, order_id=order_id, files=sent.keep(session, signed_in()), shows=shown()))


def said(session: Session, dispute_id: str, sent: Brought) -> None:
    service.say(session, signed_in(), bind(
        AddStatement, request.form, dispute_id=dispute_id, files=sent.keep(session, signed_in()),
        shows=shown()))


def shown() -> tuple[str, ...]:
    """What the files of the form are, as was ticked."""
    return tuple(request.form.getlist("shows"))


def given_in(session: Session, dispute_id: str) -> None:
    giving_in.give_in(session, signed_in(), bind(GiveIn, request.form, dispute_id=dispute_id))


def _gives_in(dispute: Dispute, mine: Side) -> str | None:
    """What giving in would lead to for this side: complete, cancel, stands; None: it cannot."""
    if dispute.ended or mine not in (Side.STORE, Side.TRADER):
        return None
    if dispute.order.direction == Direction.PAYOUT and dispute.order.status in LATE:
        return None
    if dispute.order.status == Status.COMPLETED or (dispute.order.status in LATE and mine is Side.STORE):
        return "stands" if dispute.opened_by == mine else None
    receives = Party.TRADER if dispute.order.direction == Direction.PAYIN else Party.STORE
    return "complete" if str(mine) == str(receives) else "cancel"
