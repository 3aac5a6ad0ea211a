"""Deposits as their owners tell of them: the list, a new one with its proof, one and its state, taken back."""
from typing import Any

from flask import Response, flash, request
from flask_babel import gettext

from portal import files
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.treasury import deposits, networks, queries
from portal.treasury.commands import AskDeposit, Retract
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.owners.area import OwnerArea, asking, choice, store_named, to
from portal.web.render import redisplay, show
from portal.web.request import takes
from portal.web.uploads import UPLOAD_MAX, brought

AREA = OwnerArea("deposits", __name__)
INDEX, ONE, FIELD = "shared/treasury/deposits.html", "shared/treasury/deposit.html", "files"


@AREA.get("")
@requires(Permission.DEPOSIT_REQUEST)
def index() -> Response:
    return show(INDEX, error=None, wrong={}, values={}, **_index())


@AREA.post("")
@requires(Permission.DEPOSIT_REQUEST)
@takes(UPLOAD_MAX)
@once
def ask() -> Response:
    """The proof is judged and put away first; it becomes the deposit's in the transaction that asks for it."""
    with redisplay(INDEX, _index), brought(FIELD) as proof, transaction() as session:
        deposits.ask(session, signed_in(), bind(AskDeposit, request.form, **asking(),
                                                files=proof.keep(session, signed_in()),
                                                currency=choice()[1].settlement_currency))
    flash(gettext("We look whether the money has arrived. It is yours to use as soon as we see it."))
    return to(".index", **store_named())


@AREA.get("/<deposit_id>")
@requires(Permission.DEPOSIT_REQUEST)
def one(deposit_id: str) -> Response:
    return show(ONE, error=None, wrong={}, values={}, **_deposit(deposit_id))


@AREA.post("/<deposit_id>/cancellation")
@requires(Permission.DEPOSIT_REQUEST)
def retract(deposit_id: str) -> Response:
    with redisplay(ONE, lambda: _deposit(deposit_id)), transaction() as session:
        deposits.retract(session, signed_in(), Retract(deposit_id=deposit_id))
    return to(".one", deposit_id=deposit_id)


def _index() -> dict[str, Any]:
    mine, owner = choice()
    page = queries.deposits(reader(), signed_in(), owner=owner, cursor=request.args.get("after"))
    return {"owners": mine, "owner": owner, "page": page, "networks": networks.of(owner.settlement_currency),
            "title_of": networks.title, "named": store_named()}


def _deposit(deposit_id: str) -> dict[str, Any]:
    deposit = deposits.find(reader(), signed_in(), deposit_id)
    return {"deposit": deposit, "title_of": networks.title, "names": queries.names(reader(), [deposit]),
            "receipts": files.of(reader(), deposits.PROOF, [deposit.id]).get(deposit.id, [])}
