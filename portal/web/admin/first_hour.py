"""From an empty desk to the first payment: each step with the page that does it, ticked off from the records."""
from typing import NamedTuple

from flask import Blueprint, Response, url_for

from portal.core.access import Permission, requires
from portal.core.db import reader
from portal.orders.reading import first_hour
from portal.web.badges import N_
from portal.web.render import show

bp = Blueprint("admin_first_hour", __name__, url_prefix="/admin/first-hour")


class Step(NamedTuple):
    """`name`: of FirstHour. `endpoint`: the page that does it, for those who hold `permission`."""

    name: str
    title: str
    how: str
    endpoint: str
    permission: Permission


P = Permission
STEPS = (
    Step("second_person", N_("A second administrator"),
         N_("Whatever is money needs two people: one asks, another decides. Add somebody who decides; the very first "
            "two are made with bin/flask users create."), "admin_users.new", P.USER_MANAGE),
    Step("settlement", N_("A settlement currency"),
         N_("What balances of stores and collateral of traders are kept in: switch one on."),
         "admin_reference.index", P.REFERENCE_MANAGE),
    Step("rate", N_("The first rate"), N_("How much of the payers' currency one unit of it is; a feed can take over."),
         "admin_rates.index", P.REFERENCE_MANAGE),
    Step("store", N_("The first merchant and store"),
         N_("Add a merchant and have it set going, open a store, ask for what it takes and for its fee."),
         "admin_merchants.index", P.PARTY_MANAGE),
    Step("trader", N_("The first trader"),
         N_("Take somebody on, ask for their reward, have them set going, and add a person who signs in for them."),
         "admin_traders.index", P.PARTY_MANAGE),
    Step("collateral", N_("Collateral"),
         N_("Ask for the deposit that has come in, on the trader's page: no order is given without it."),
         "admin_traders.index", P.DEPOSIT_REQUEST),
    Step("requisite", N_("The first requisite"),
         N_("The trader signs in and adds a card or an account; a second person approves it."),
         "admin_approvals.index", P.APPROVAL_READ),
    Step("shift", N_("Somebody on shift"), N_("The trader begins a shift on the page of their queue."),
         "admin_traders.index", P.PARTY_READ),
    Step("key", N_("A key for the store"),
         N_("Add a person of the merchant; they sign in and make a test key and a live key under Developers."),
         "admin_merchants.index", P.PARTY_MANAGE),
    Step("test_order", N_("A test order"),
         N_("With the test key, as the documentation shows. Robots take, pay and confirm it within seconds."),
         "docs.index", P.ADMIN_PORTAL),
    Step("live_order", N_("The first payment"), N_("With the live key: pay it yourself, have the trader confirm it."),
         "docs.index", P.ADMIN_PORTAL),
)


@bp.get("")
@requires(Permission.ADMIN_PORTAL)
def index() -> Response:
    found = first_hour.look(reader())
    return show("admin/first_hour/index.html", found=found, steps=[
        (step, getattr(found, step.name), url_for(step.endpoint)) for step in STEPS])
