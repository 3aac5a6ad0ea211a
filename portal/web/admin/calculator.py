"""What an amount would cost, and which trader would get what of it."""
from flask import Blueprint, Response

from portal.core.access import Permission, requires
from portal.web import calculator

bp = Blueprint("admin_calculator", __name__, url_prefix="/admin/calculator")


@bp.get("")
@requires(Permission.PARTY_READ)
def index() -> Response:
    return calculator.shown("admin/calculator.html")
