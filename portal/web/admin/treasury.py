"""The treasury: withdrawals to decide, to send and sent, deposits, addresses; what they come to, live."""
from typing import Any, NamedTuple

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal import files, ledger
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.errors import NotFound
from portal.treasury import addresses, adjustments, deposits, minimums, networks, queries
from portal.treasury.commands import SetMinimum, ShowAddress
from portal.treasury.models import Deposit, Withdrawal, WithdrawalAddress
from portal.web.admin.acts import act
from portal.web.badges import N_
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import redisplay, show

bp = Blueprint("admin_treasury", __name__, url_prefix="/admin/treasury")
INDEX, ADDRESS, DEPOSIT = "admin/treasury/index.html", "admin/treasury/address.html", "admin/treasury/deposit.html"


class View(NamedTuple):
    """A tab: what it is called, of which rows; `waits`: somebody must act, so that all of them are counted."""

    label: str
    kind: type[Deposit | Withdrawal | WithdrawalAddress]
    statuses: tuple[str, ...]
    waits: bool = False


VIEWS = {
    "decide": View(N_("To decide"), Withdrawal, ("requested",), waits=True),
    "send": View(N_("To send"), Withdrawal, ("approved",), waits=True),
    "sent": View(N_("Sent"), Withdrawal, ("sent",)),
    "ended": View(N_("Given back"), Withdrawal, ("refused", "cancelled", "released")),
    "deposits": View(N_("Deposits"), Deposit, ()),
    "addresses": View(N_("Addresses"), WithdrawalAddress, ()),
}


@bp.get("")
@requires(Permission.TREASURY_READ)
def index() -> Response:
    return show(INDEX, error=None, wrong={}, values={}, **_index())


@bp.post("/minimums")
@requires(Permission.WITHDRAWAL_DECIDE)
@once
def set_minimum() -> Response:
    with act(INDEX, _index) as session:
        minimums.put(session, signed_in(), bind(SetMinimum, request.form))
    flash(gettext("Saved."))
    return redirect(url_for(".index", view="send"), 303)  # type: ignore[return-value]


@bp.get("/deposits/<deposit_id>")
@requires(Permission.TREASURY_READ)
def deposit(deposit_id: str) -> Response:
    session = reader()
    found = deposits.find(session, signed_in(), deposit_id)
    return show(DEPOSIT, deposit=found, title_of=networks.title, names=queries.names(session, [found]),
                receipts=files.of(session, deposits.PROOF, [found.id]).get(found.id, []),
                alike=deposits.alike(session, found), same_proof=deposits.same_proof(session, found))


@bp.get("/addresses/<address_id>")
@requires(Permission.TREASURY_READ)
def address(address_id: str) -> Response:
    return show(ADDRESS, error=None, wrong={}, values={}, **_address(address_id))


@bp.post("/addresses/<address_id>/number")
@requires(Permission.WITHDRAWAL_DECIDE, step_up=True)
def show_address(address_id: str) -> Response:
    """Shown in this answer only, for thirty seconds where there is a script."""
    with redisplay(ADDRESS, lambda: _address(address_id)):
        command = bind(ShowAddress, request.form, address_id=address_id)
        with transaction() as session:
            full = addresses.show(session, signed_in(), command)
    return show(ADDRESS, error=None, wrong={}, values={}, **_address(address_id) | {"full": full})


def _index() -> dict[str, Any]:
    session, actor, cursor = reader(), signed_in(), request.args.get("after")
    chosen = request.args.get("view", "decide")
    view = VIEWS.get(chosen)
    if view is None:
        raise NotFound()
    read: Any = {Deposit: queries.deposits, Withdrawal: queries.withdrawals,
                 WithdrawalAddress: queries.addresses}[view.kind]
    page = read(session, actor, statuses=view.statuses, cursor=cursor)
    return {"chosen": chosen, "page": page, "title_of": networks.title, "names": queries.names(session, page.rows),
            "tabs": tabs(chosen),
            "totals": queries.totals(session, actor, view.kind, view.statuses or ("asked",),
                                     today=view.kind is Withdrawal and not view.waits),
            "minimums": minimums.all_of(session), "currencies": minimums.currencies()}


def tabs(chosen: str) -> list[tuple[str, str, bool, int | None]]:
    """The views of the treasury's pages."""
    session, actor = reader(), signed_in()
    found = [(gettext(one.label), url_for("admin_treasury.index", view=code), code == chosen,
              queries.count(session, actor, one.kind, one.statuses) if one.waits else None)
             for code, one in VIEWS.items()]
    found.append((gettext("Adjustments"), url_for("admin_treasury.adjustments_made"), chosen == "adjustments",
                  adjustments.waiting(session)))
    found.append((gettext("Owed"), url_for("admin_treasury.owed"), chosen == "claims",
                  sum(count for _, count in ledger.claims.outstanding(session))))
    return found


def _address(address_id: str) -> dict[str, Any]:
    session = reader()
    found = addresses.find(session, signed_in(), address_id)
    return {"address": found, "full": None, "title_of": networks.title, "names": queries.names(session, [found]),
            "elsewhere": addresses.elsewhere(session, found)}
