"""Where one can go: the entries of each role's sidebar and bottom tabs, as plain data."""
from typing import NamedTuple

from flask import current_app, g, request, url_for

from portal import approvals
from portal.core.access import Actor, Permission, Role
from portal.core.db import reader
from portal.web.badges import N_


class Entry(NamedTuple):
    endpoint: str
    label: str
    icon: str
    permission: Permission


class Link(NamedTuple):
    """An entry for this person on this page."""

    url: str
    label: str
    icon: str
    current: bool
    tab: bool
    waiting: int
    news: str | None  # where the count behind it is asked for again, once something has changed


P = Permission
TABS_MAX = 5
"""A phone has room for this many tabs below; the other entries go into the account menu."""

AREAS: dict[Role, tuple[Entry, ...]] = {
    Role.TRADER: (
        Entry("trader_orders.index", N_("Queue"), "inbox", P.ORDER_READ),
        Entry("trader_payouts.index", N_("Payouts"), "send", P.ORDER_READ),
        Entry("trader_requisites.index", N_("Requisites"), "credit-card", P.REQUISITE_READ),
        Entry("trader_balance.index", N_("Balance"), "wallet", P.BALANCE_READ),
    ),
    Role.MERCHANT: (
        Entry("merchant_home.index", N_("Home"), "house", P.MERCHANT_PORTAL),
        Entry("merchant_orders.index", N_("Orders"), "inbox", P.ORDER_READ),
        Entry("merchant_payouts.index", N_("Payouts"), "send", P.ORDER_READ),
        Entry("merchant_balance.index", N_("Balance"), "wallet", P.BALANCE_READ),
        Entry("merchant_developers.index", N_("Developers"), "code", P.KEY_READ),
    ),
    Role.ADMIN: (
        Entry("admin_desk.index", N_("Desk"), "gauge", P.ADMIN_PORTAL),
        Entry("admin_orders.index", N_("Orders"), "inbox", P.ORDER_READ),
        Entry("admin_approvals.index", N_("Approvals"), "check-check", P.APPROVAL_READ),
        Entry("admin_merchants.index", N_("Merchants"), "store", P.PARTY_READ),
        Entry("admin_traders.index", N_("Traders"), "users", P.PARTY_READ),
        Entry("admin_requisites.index", N_("Requisites"), "credit-card", P.REQUISITE_READ),
        Entry("admin_ledger.index", N_("Ledger"), "book-open", P.LEDGER_READ),
        Entry("admin_rates.index", N_("Rates"), "trending-up", P.REFERENCE_READ),
        Entry("admin_cases.index", N_("Cases"), "user-check", P.ADMIN_PORTAL),
        Entry("admin_reference.index", N_("Reference data"), "landmark", P.REFERENCE_READ),
        Entry("admin_users.index", N_("Users"), "user-check", P.USER_READ),
        Entry("admin_jobs.index", N_("Jobs"), "activity", P.JOB_READ),
        Entry("admin_audit.index", N_("Audit"), "shield-check", P.AUDIT_READ),
    ),
}
AREAS[Role.SUPPORT] = AREAS[Role.ADMIN]


def navigation(actor: Actor | None) -> list[Link]:
    """What this person may open. A page that does not exist yet is left out.

    `g.navigation_counts` may hold how many things wait behind an entry, by endpoint.
    """
    if actor is None or actor.role is None or actor.details.get("must_choose"):
        return []
    counts = _waiting(actor) | g.get("navigation_counts", {})
    here = request.blueprint
    allowed = [entry for entry in AREAS[actor.role]
               if entry.endpoint in current_app.view_functions and actor.may(entry.permission)]
    return [
        Link(url_for(entry.endpoint), entry.label, entry.icon, entry.endpoint.rpartition(".")[0] == here,
             at < TABS_MAX, counts.get(entry.endpoint, 0), _news(entry))
        for at, entry in enumerate(allowed)
    ]


def _news(entry: Entry) -> str | None:
    return url_for(entry.endpoint, part="waiting") if entry.permission is P.APPROVAL_READ else None


def _waiting(actor: Actor) -> dict[str, int]:
    """What waits for the staff; a page that apologises for the database asks it nothing."""
    if not (actor.is_staff and actor.may(P.APPROVAL_READ)) or g.get("apologising"):
        return {}
    return {"admin_approvals.index": approvals.pending_count(reader(), actor)}
