"""What a payout would cost, asked while its amount is typed: no number and no name is sent along."""
from flask import Blueprint, Response, request

from portal.core import ids, typed_amounts
from portal.core.access import Permission, requires
from portal.core.db import reader
from portal.core.errors import Invalid, PortalError
from portal.core.money import EXPONENTS
from portal.payouts import cost, recipients
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("merchant_payout_quote", __name__, url_prefix="/merchant/payouts/quote")
FRAGMENT = "merchant/payouts/_quote.html"


@bp.get("")
@requires(Permission.PAYOUT_CREATE)
def index() -> Response:
    """Half typed amounts are no mistakes yet: then there is no quote."""
    currency, text = request.args.get("currency", ""), request.args.get("amount", "").strip()
    try:
        found = _found(currency, text) if text and currency in EXPONENTS else None
    except PortalError as error:
        return show(FRAGMENT, fragment=FRAGMENT, found=None, error=error)
    return show(FRAGMENT, fragment=FRAGMENT, found=found, error=None)


def _found(currency: str, text: str) -> tuple[object, object] | None:
    session, actor = reader(), signed_in()
    try:
        amount = typed_amounts.amount("amount", text, currency)
    except Invalid:
        return None
    method = request.args.get("method", "")
    if recipient := request.args.get("recipient_id"):
        method = recipients.find(session, actor, recipient).row.method
    return cost.of_one(session, actor, ids.parse("str", request.args.get("store_id", "")), method, amount)
