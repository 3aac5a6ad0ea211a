"""Withdrawals as their owners ask for them, and the address book they may go to."""
from typing import Any

from flask import Response, flash, request
from flask_babel import gettext

from portal import ledger
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.treasury import addresses, minimums, money_out, networks, owners, queries, withdrawals
from portal.treasury.commands import AddAddress, AskWithdrawal, CancelWithdrawal, NameAddress
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.owners.area import OwnerArea, asking, choice, store_named, to
from portal.web.render import redisplay, show

AREA = OwnerArea("withdrawals", __name__)
INDEX, ONE, NEW = "shared/treasury/withdrawals.html", "shared/treasury/withdrawal.html", "shared/treasury/address.html"


@AREA.get("")
@requires(Permission.WITHDRAWAL_REQUEST)
def index() -> Response:
    return show(INDEX, error=None, wrong={}, values={}, **_index())


@AREA.post("")
@requires(Permission.WITHDRAWAL_REQUEST, step_up=True)
@once
def ask() -> Response:
    with redisplay(INDEX, _index):
        command = bind(AskWithdrawal, request.form, **asking())
        with transaction() as session:
            public_id = withdrawals.ask(session, signed_in(), command).public_id
    flash(gettext("The amount is held. It is sent once two of the staff have looked at it."))
    return to(".one", withdrawal_id=public_id)


@AREA.get("/addresses/new")
@requires(Permission.WITHDRAWAL_REQUEST)
def new_address() -> Response:
    return show(NEW, error=None, wrong={}, values={}, **_new())


@AREA.post("/addresses")
@requires(Permission.WITHDRAWAL_REQUEST, step_up=True)
@once
def add_address() -> Response:
    with redisplay(NEW, _new):
        command = bind(AddAddress, request.form, **asking())
        with transaction() as session:
            addresses.add(session, signed_in(), command)
    flash(gettext("The address waits for approval, then rests for a day. After that money can go there."))
    return to(".index", **store_named())


@AREA.post("/addresses/<address_id>/removal")
@requires(Permission.WITHDRAWAL_REQUEST)
def remove_address(address_id: str) -> Response:
    with redisplay(INDEX, _index), transaction() as session:
        addresses.remove(session, signed_in(), NameAddress(address_id=address_id))
    flash(gettext("The address is removed: nothing goes there any more."))
    return to(".index", **store_named())


@AREA.get("/<withdrawal_id>")
@requires(Permission.WITHDRAWAL_REQUEST)
def one(withdrawal_id: str) -> Response:
    return show(ONE, error=None, wrong={}, values={}, **_withdrawal(withdrawal_id))


@AREA.post("/<withdrawal_id>/cancellation")
@requires(Permission.WITHDRAWAL_REQUEST)
def cancel(withdrawal_id: str) -> Response:
    with redisplay(ONE, lambda: _withdrawal(withdrawal_id)), transaction() as session:
        withdrawals.cancel(session, signed_in(), CancelWithdrawal(withdrawal_id=withdrawal_id))
    return to(".one", withdrawal_id=withdrawal_id)


def _index() -> dict[str, Any]:
    session, actor, (mine, owner) = reader(), signed_in(), choice()
    free, held = owners.moves(owners.kind_of(owner), owner.id, owner.settlement_currency)
    return {"owners": mine, "owner": owner, "title_of": networks.title, "named": store_named(),
            "page": queries.withdrawals(session, actor, owner=owner, cursor=request.args.get("after")),
            "book": addresses.book(session, actor, owners.kind_of(owner), owner.id),
            "available": ledger.balance(session, free), "held": ledger.balance(session, held),
            "minimum": minimums.of(session, owner.settlement_currency),
            "suspended": not owners.is_active(session, owner), "stops": money_out.stops(session, owner)}


def _new() -> dict[str, Any]:
    mine, owner = choice()
    return {"owners": mine, "owner": owner, "networks": networks.of(owner.settlement_currency), "named": store_named()}


def _withdrawal(withdrawal_id: str) -> dict[str, Any]:
    session = reader()
    withdrawal = withdrawals.find(session, signed_in(), withdrawal_id)
    return {"withdrawal": withdrawal, "title_of": networks.title, "names": queries.names(session, [withdrawal]),
            "address": addresses.of_withdrawal(session, withdrawal)}
