"""The living page of all components, and the mails nobody sent, for development. Never registered in production."""
from datetime import timedelta
from types import SimpleNamespace

from flask import Blueprint, render_template

from portal import mail as outbox
from portal.core import clock
from portal.core.db import reader
from portal.core.money import Money
from portal.web.badges import LOOKS

bp = Blueprint("dev_ui", __name__, url_prefix="/dev")


@bp.get("/ui")
def index() -> str:
    return render_template("dev/ui.html", looks=LOOKS, samples=_samples())


@bp.get("/mail")
def mail() -> str:
    """What the desk would have sent."""
    return render_template("dev/mail.html", mails=outbox.latest(reader()))


def _samples() -> SimpleNamespace:
    """Ordinary, huge, tiny and negative values; deadlines calm, soon and over."""
    now = clock.now()
    return SimpleNamespace(
        rub=Money(12_500_00, "RUB"), huge=Money(9_876_543_210_987_65, "RUB"), usdt=Money(128_456_789, "USDT"),
        negative=Money(-321_000, "USDT"), tiny=Money(1, "BTC"), signs="₽ ₴ ₸ ₼ € $",
        then=now - timedelta(minutes=7), soon=now + timedelta(seconds=190),
        deadlines=[now + timedelta(seconds=left) for left in (880, 408, 184, 51, -5)])
