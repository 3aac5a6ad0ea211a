"""One withdrawal in the hands of the staff: taken, where it goes shown, sent by a reference, or given back by two."""
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal import approvals
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.parties import queries as parties
from portal.treasury import addresses, money_out, networks, owners, queries, releases, withdrawals
from portal.treasury.commands import AskRelease, SendWithdrawal, TakeWithdrawal
from portal.web.admin.acts import act
from portal.web.admin.treasury import bp
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import redisplay, show

ONE = "admin/treasury/withdrawal.html"


@bp.get("/withdrawals/<withdrawal_id>")
@requires(Permission.TREASURY_READ)
def withdrawal(withdrawal_id: str) -> Response:
    return show(ONE, error=None, wrong={}, values={}, **_withdrawal(withdrawal_id))


@bp.post("/withdrawals/<withdrawal_id>/taking")
@requires(Permission.WITHDRAWAL_SEND, step_up=True)
def take(withdrawal_id: str) -> Response:
    """From now on it is theirs to send; where it goes is shown in this answer only."""
    with redisplay(ONE, lambda: _withdrawal(withdrawal_id)):
        command = bind(TakeWithdrawal, request.form, withdrawal_id=withdrawal_id)
        with transaction() as session:
            taken = withdrawals.take(session, signed_in(), command)
            full = addresses.reveal(session, addresses.of_withdrawal(session, taken))
    return show(ONE, error=None, wrong={}, values={}, **_withdrawal(withdrawal_id) | {"full": full})


@bp.post("/withdrawals/<withdrawal_id>/sending")
@requires(Permission.WITHDRAWAL_SEND)
@once
def send(withdrawal_id: str) -> Response:
    with act(ONE, _withdrawal, withdrawal_id) as session:
        withdrawals.send(session, signed_in(), bind(SendWithdrawal, request.form, withdrawal_id=withdrawal_id))
    return _to(withdrawal_id)


@bp.post("/withdrawals/<withdrawal_id>/release")
@requires(Permission.WITHDRAWAL_SEND)
@once
def ask_release(withdrawal_id: str) -> Response:
    with act(ONE, _withdrawal, withdrawal_id) as session:
        releases.ask(session, signed_in(), bind(AskRelease, request.form, withdrawal_id=withdrawal_id))
    flash(gettext("A second person decides whether the money goes back."))
    return _to(withdrawal_id)


def _to(withdrawal_id: str) -> Response:
    return redirect(url_for(".withdrawal", withdrawal_id=withdrawal_id), 303)  # type: ignore[return-value]


def _withdrawal(withdrawal_id: str) -> dict[str, Any]:
    session, actor = reader(), signed_in()
    found = withdrawals.find(session, actor, withdrawal_id)
    owner = owners.of(session, found.owner_kind, found.owner_id)
    return {"withdrawal": found, "address": addresses.of_withdrawal(session, found), "full": None,
            "title_of": networks.title, "names": queries.names(session, [found]),
            "stops": money_out.stops(session, owner), "suspended": not owners.is_active(session, owner),
            "waiting": approvals.waiting_for(session, withdrawals.KIND, found.id),
            "history": parties.history(session, actor, withdrawals.KIND, found.id)}
