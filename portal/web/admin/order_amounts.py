"""What an order comes to when another amount arrived than was ordered, now or after all: two of the staff decide."""
from flask import Blueprint, Response, request

from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.disputes import decisions
from portal.disputes import service as disputes
from portal.disputes.commands import DecideDispute
from portal.orders import corrections
from portal.web.admin.acts import act
from portal.web.admin.orders import PAGE, back, context
from portal.web.form_keys import once
from portal.web.identity import signed_in

bp = Blueprint("admin_order_amounts", __name__, url_prefix="/admin/orders")


@bp.post("/<order_id>/amount")
@requires(Permission.DISPUTE_DECIDE, step_up=True)
@once
def decide(order_id: str) -> Response:
    """This asks the second."""
    with act(PAGE, context, order_id) as session:
        decisions.ask(session, signed_in(), bind(DecideDispute, request.form, order_id=order_id))
    return back(order_id)


@bp.post("/<order_id>/correction")
@requires(Permission.ORDER_CONFIRM_ANY, step_up=True)
@once
def correct(order_id: str) -> Response:
    """Likewise."""
    with act(PAGE, context, order_id) as session:
        disputes.refuse_while_open(session, signed_in(), order_id)
        corrections.ask(session, signed_in(), bind(corrections.AskCorrection, request.form, order_id=order_id))
    return back(order_id)
