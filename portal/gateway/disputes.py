"""Objections over JSON: a store says that a payin is not as its desk shows it, that a payout did not arrive."""
from typing import Any, Literal

from flask import Response
from sqlalchemy.orm import Session

from portal.core.access import Permission
from portal.core.commands import Command, bind
from portal.core.errors import NotFound
from portal.disputes import service, telling
from portal.disputes.commands import OpenDispute, Said
from portal.disputes.service import DisputeOpen, NothingToDispute
from portal.gateway import orders, schemas, strict_json
from portal.gateway.auth import caller
from portal.gateway.endpoint import call
from portal.gateway.idempotency import once
from portal.orders.models import Order
from portal.orders.states import Direction


class DisputePayin(Command):
    """`text`: what happened, for the trader and the desk's staff to read."""

    reason: Literal["not_confirmed", "wrong_amount", "other"]
    text: Said


class DisputePayout(Command):
    """`text`: what happened, for the trader and the desk's staff to read."""

    reason: Literal["not_arrived", "less_arrived", "wrong_recipient", "other_payout"]
    text: Said


@call("POST", "/payins/<payin_id>/dispute", Permission.DISPUTE_OPEN, summary="Object to how a payin stands",
      body=DisputePayin, answer=schemas.Dispute, status=201, errors=(NotFound, DisputeOpen, NothingToDispute))
def dispute_payin(payin_id: str) -> Response:
    return _opened(Direction.PAYIN, payin_id, DisputePayin)


@call("POST", "/payouts/<payout_id>/dispute", Permission.DISPUTE_OPEN, summary="Say that a payout did not arrive",
      body=DisputePayout, answer=schemas.Dispute, status=201, errors=(NotFound, DisputeOpen, NothingToDispute))
def dispute_payout(payout_id: str) -> Response:
    return _opened(Direction.PAYOUT, payout_id, DisputePayout)


def _opened(direction: Direction, shown_id: str, body: type[Command]) -> Response:
    orders.found(direction, shown_id)  # another's does not exist, whatever is said of it
    sent = bind(body, strict_json.body())
    command = OpenDispute(order_id=orders.id_of(direction, shown_id), **sent.model_dump())

    def act(session: Session) -> dict[str, Any]:
        made = service.open_dispute(session, caller(), command)
        return telling.public(made, session.get_one(Order, made.order_id))

    return once(caller(), act, status=201)
