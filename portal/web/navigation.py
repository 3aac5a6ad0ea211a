"""Where one can go: the entries of each role's sidebar and bottom tabs, as plain data."""
from typing import NamedTuple

from flask import current_app, g, request, url_for

from portal import approvals
from portal.core.access import Actor, Permission, Role
from portal.core.db import reader
from portal.disputes import queries as disputes
from portal.help import queries as help_queries
from portal.risk import journal
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
FAMILIES = {"admin_risk_reviews": "admin_risk", "admin_reference": "admin_bank_windows"}
"""Entries behind which several blueprints lie, by how those begin."""
TABS_MAX = 5
"""A phone has room for this many tabs below; the other entries go into the account menu."""

AREAS: dict[Role, tuple[Entry, ...]] = {
    Role.TRADER: (
        Entry("trader_orders.index", N_("Queue"), "inbox", P.ORDER_READ),
        Entry("trader_payouts.index", N_("Payouts"), "send", P.ORDER_READ),
        Entry("trader_disputes.index", N_("Disputes"), "scale", P.ORDER_READ),
        Entry("trader_requisites.index", N_("Requisites"), "credit-card", P.REQUISITE_READ),
        Entry("trader_balance.index", N_("Balance"), "wallet", P.BALANCE_READ),
        Entry("trader_deposits.index", N_("Deposits"), "download", P.DEPOSIT_REQUEST),
        Entry("trader_withdrawals.index", N_("Withdrawals"), "arrow-right", P.WITHDRAWAL_REQUEST),
    ),
    Role.MERCHANT: (
        Entry("merchant_home.index", N_("Home"), "house", P.MERCHANT_PORTAL),
        Entry("merchant_orders.index", N_("Orders"), "inbox", P.ORDER_READ),
        Entry("merchant_payouts.index", N_("Payouts"), "send", P.ORDER_READ),
        Entry("merchant_balance.index", N_("Balance"), "wallet", P.BALANCE_READ),
        Entry("merchant_disputes.index", N_("Disputes"), "scale", P.ORDER_READ),
        Entry("merchant_developers.index", N_("Developers"), "code", P.KEY_READ),
        Entry("merchant_deposits.index", N_("Deposits"), "download", P.DEPOSIT_REQUEST),
        Entry("merchant_withdrawals.index", N_("Withdrawals"), "arrow-right", P.WITHDRAWAL_REQUEST),
    ),
    Role.ADMIN: (
        Entry("admin_desk.index", N_("Desk"), "gauge", P.ADMIN_PORTAL),
        Entry("admin_orders.index", N_("Orders"), "inbox", P.ORDER_READ),
        Entry("admin_approvals.index", N_("Approvals"), "check-check", P.APPROVAL_READ),
        Entry("admin_disputes.index", N_("Disputes"), "scale", P.ORDER_READ),
        Entry("admin_risk_reviews.index", N_("Risk"), "shield-alert", P.RISK_READ),
        Entry("admin_help.index", N_("Help"), "circle-help", P.DISPUTE_OPEN),
        Entry("admin_merchants.index", N_("Merchants"), "store", P.PARTY_READ),
        Entry("admin_traders.index", N_("Traders"), "users", P.PARTY_READ),
        Entry("admin_requisites.index", N_("Requisites"), "credit-card", P.REQUISITE_READ),
        Entry("admin_coverage.index", N_("Coverage"), "gauge", P.REQUISITE_READ),
        Entry("admin_caps.index", N_("Caps"), "scale", P.REQUISITE_READ),
        Entry("admin_applications.index", N_("Applications"), "user-plus", P.APPLICATION_READ),
        Entry("admin_treasury.index", N_("Treasury"), "wallet", P.TREASURY_READ),
        Entry("admin_ledger.index", N_("Ledger"), "book-open", P.LEDGER_READ),
        Entry("admin_proof.index", N_("Proofs"), "check-check", P.LEDGER_READ),
        Entry("admin_result.index", N_("Result"), "scale", P.RESULT_READ),
        Entry("admin_closing.index", N_("Daily close"), "calendar", P.LEDGER_READ),
        Entry("admin_rates.index", N_("Rates"), "trending-up", P.REFERENCE_READ),
        Entry("admin_cases.index", N_("Cases"), "user-check", P.ADMIN_PORTAL),
        Entry("admin_shift_log.index", N_("Shift log"), "book-open", P.ADMIN_PORTAL),
        Entry("admin_reference.index", N_("Reference data"), "landmark", P.REFERENCE_READ),
        Entry("admin_announcements.index", N_("Announcements"), "bell", P.PARTY_READ),
        Entry("admin_users.index", N_("Users"), "user-check", P.USER_READ),
        Entry("admin_jobs.index", N_("Jobs"), "activity", P.JOB_READ),
        Entry("admin_history.index", N_("Old months"), "calendar", P.JOB_READ),
        Entry("admin_privacy.index", N_("Personal data"), "shield", P.PRIVACY_MANAGE),
        Entry("admin_audit.index", N_("Audit"), "shield-check", P.AUDIT_READ),
        Entry("admin_notices.index", N_("Log of notices"), "bell", P.AUDIT_READ),
    ),
}
AREAS[Role.SUPPORT] = AREAS[Role.ADMIN]


def navigation(actor: Actor | None) -> list[Link]:
    """What this person may open. A page that does not exist yet is left out.

    `g.navigation_counts` may hold how many things wait behind an entry, by endpoint.
    """
    if actor is None or actor.role is None or any(
            still in actor.details for still in ("elsewhere", "half", "must_choose", "must_enrol")):
        return []
    counts = _waiting(actor) | g.get("navigation_counts", {})
    here = request.blueprint
    allowed = [entry for entry in AREAS[actor.role]
               if entry.endpoint in current_app.view_functions and actor.may(entry.permission)]
    return [
        Link(url_for(entry.endpoint), entry.label, entry.icon, _is_here(entry, here),
             at < TABS_MAX, counts.get(entry.endpoint, 0), _news(entry))
        for at, entry in enumerate(allowed)
    ]


def _is_here(entry: Entry, here: str | None) -> bool:
    blueprint = entry.endpoint.rpartition(".")[0]
    return here is not None and (here == blueprint or here.startswith(FAMILIES.get(blueprint, "\0")))


def _news(entry: Entry) -> str | None:
    return url_for(entry.endpoint, part="waiting") if entry.permission is P.APPROVAL_READ else None


def _waiting(actor: Actor) -> dict[str, int]:
    """What waits for this person's word; a page that apologises for the database asks it nothing."""
    if g.get("apologising"):
        return {}
    found = {}
    if actor.may(P.DISPUTE_OPEN):
        area = "admin" if actor.is_staff else actor.role
        found[f"{area}_disputes.index"] = disputes.waiting_count(reader(), actor)
    if actor.is_staff and actor.may(P.DISPUTE_OPEN):
        found["admin_help.index"] = help_queries.waiting_count(reader(), actor)
    if actor.is_staff and actor.may(P.RISK_DECIDE):
        found["admin_risk_reviews.index"] = journal.waiting_count(reader())
    if actor.is_staff and actor.may(P.APPROVAL_READ):
        found["admin_approvals.index"] = approvals.pending_count(reader(), actor)
    return found
