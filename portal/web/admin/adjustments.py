"""Balances put right: what was asked for, a new one, and what lies in suspense until somebody places it."""
from typing import Any, NamedTuple
from uuid import UUID

from flask import Response, flash, redirect, request, url_for
from flask_babel import gettext

from portal import ledger
from portal.core import ids
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.date_range import Days
from portal.core.db import reader
from portal.core.errors import NotFound
from portal.ledger.accounts import NIL
from portal.parties.models import Store, Trader
from portal.parties.queries import stores_visible_to, traders_visible_to
from portal.search import staff_search
from portal.treasury import adjustments, minimums, queries, suspense
from portal.treasury.commands import AskAdjustment
from portal.web.admin.acts import act
from portal.web.admin.treasury import bp, tabs
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

INDEX, NEW, SUSPENSE = "admin/treasury/adjustments.html", "admin/treasury/adjust.html", "admin/treasury/suspense.html"
HOUSE = {"desk": "platform", "outside": "world"}
"""Owners that are no store and no trader, as an address names them."""
LINES = 50


class Chosen(NamedTuple):
    """Whose balance the form is about. `named`: as the address names it."""

    named: str
    kind: str
    id: UUID
    name: str | None  # None: the desk or the outside
    currencies: list[str]


@bp.get("/adjustments")
@requires(Permission.TREASURY_READ)
def adjustments_made() -> Response:
    session, actor = reader(), signed_in()
    page = adjustments.page(session, actor, cursor=request.args.get("after"))
    return show(INDEX, page=page, tabs=tabs("adjustments"), undone=adjustments.reversed_of(session, page.rows),
                balances=suspense.balances(session, actor),
                names=queries.names(session, [one for one in page.rows if one.owner_id != NIL]))


@bp.get("/adjustments/new")
@requires(Permission.ADJUSTMENT_REQUEST)
def new_adjustment() -> Response:
    """First whose, then how much: the first half is found by name, id or whatever staff have in hand."""
    wanted = request.args.get("q", "").strip()
    found = staff_search.look(reader(), signed_in(), wanted) if wanted else []
    fitting = [(ids.public(prefix, hit.id), hit) for hit in found
               if (prefix := {"store": "str", "trader": "trd"}.get(hit.kind))]
    return show(NEW, error=None, wrong={}, values=request.args, q=wanted, fitting=fitting, **_chosen())


@bp.post("/adjustments")
@requires(Permission.ADJUSTMENT_REQUEST, step_up=True)
@once
def ask_adjustment() -> Response:
    chosen = _owner()
    if chosen is None:
        raise NotFound()
    with act(NEW, lambda: {"q": "", "fitting": [], **_chosen()}) as session:
        asked = adjustments.ask(session, signed_in(), bind(AskAdjustment, request.form, owner_kind=chosen.kind,
                                                           owner_id=chosen.id))
        public_id = asked.public_id
    flash(gettext("Nothing has moved yet: a second person decides."))
    return redirect(url_for("admin_approvals.one", approval_id=public_id), 303)  # type: ignore[return-value]


@bp.get("/suspense")
@requires(Permission.LEDGER_READ)
def in_suspense() -> Response:
    session, days = reader(), Days.of(request.args)
    balances = suspense.balances(session, signed_in())
    wanted = request.args.get("currency") or (balances[0].currency if balances else None)
    balance = next((one for one in balances if one.currency == wanted), None)
    if balance is None and wanted is not None:
        raise NotFound()
    statement = ledger.statement(session, ledger.SUSPENSE(wanted, live=True), since=days.since, until=days.until,
                                 cursor=request.args.get("after"), limit=LINES) if wanted else None
    return show(SUSPENSE, tabs=tabs("adjustments"), balances=balances, balance=balance, statement=statement, days=days)


def _chosen() -> dict[str, Any]:
    chosen = _owner()
    codes = [code for code, one in adjustments.CODES.items() if chosen and chosen.kind in one.of]
    return {"chosen": chosen, "codes": codes}


def _owner() -> Chosen | None:
    """The one of the address; None while nobody is chosen. Raises NotFound."""
    named = request.args.get("owner", "")
    if not named:
        return None
    if named in HOUSE:
        return Chosen(named, HOUSE[named], NIL, None, minimums.currencies())
    actor, session = signed_in(), reader()
    kind = "store" if named.startswith("str_") else "trader"
    id = ids.parse("str" if kind == "store" else "trd", named)
    owner: Store | Trader | None = session.scalar(
        stores_visible_to(actor).where(Store.id == id) if kind == "store" else
        traders_visible_to(actor).where(Trader.id == id, Trader.robot.is_(False)))
    if owner is None:
        raise NotFound()
    return Chosen(named, kind, owner.id, owner.name, adjustments.currencies(session, owner))
