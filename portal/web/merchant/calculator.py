"""What an amount would cost."""
from flask import Blueprint, Response

from portal.core.access import Permission, requires
from portal.web import calculator

bp = Blueprint("merchant_calculator", __name__, url_prefix="/merchant/calculator")


@bp.get("")
@requires(Permission.BALANCE_READ)
def index() -> Response:
    return calculator.shown("merchant/calculator.html")
