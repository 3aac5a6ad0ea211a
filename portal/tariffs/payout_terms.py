"""How a store's payouts go: its traders' clocks, who agrees that the money arrived, what one person may send alone.

What asks more of the desk or of the store holds at once; what lets money go sooner, or without a second look, waits for
a second of the staff (decision 73).
"""
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import approvals
from portal.approvals import Approval, StaleApproval
from portal.core import audit, typed_amounts
from portal.core.access import Actor, Permission
from portal.core.db import locked_one
from portal.core.errors import Denied, NotFound
from portal.parties import queries
from portal.parties.models import Store
from portal.tariffs.commands import SetPayoutTerms

KIND = "payout_terms"
TERMS = ("payout_accept_for_s", "payout_pay_for_s", "payout_confirm", "payout_window_s", "payout_tries_max",
         "payout_alone_max_minor")
TRUST = ("store", "window", "at_once")  # who agrees that the recipient has the money: the later, the less is asked
MINUTE_S = 60


def set_it(session: Session, actor: Actor, command: SetPayoutTerms) -> Approval | None:
    """Tighter terms hold from the next step on; looser ones wait as the approval that is returned. Harmless twice.

    Raises Denied, NotFound, Invalid (the limit), AlreadyAsked.
    """
    if not (actor.is_system or actor.may(Permission.PARTY_MANAGE)):
        raise Denied()
    store = locked_one(session, queries.stores_visible_to(actor).where(Store.id == command.store_id))
    if store is None:
        raise NotFound()
    before, after = now(store), _asked(store, command)
    if before == after:
        return None
    if is_looser(before, after):
        return approvals.ask_once(session, actor, kind=KIND, target_kind="store", target_id=store.id,
                                  before=before | _about(store), after=after | _about(store), reason=command.reason)
    _set(session, actor, store, after, reason=command.reason)
    return None


def approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees: it counts from the next step on. Raises StaleApproval."""
    store = locked_one(session, select(Store).where(Store.id == UUID(approval.target_id)))
    if store is None:
        raise NotFound()
    if now(store) | _about(store) != approval.before:
        raise StaleApproval()
    _set(session, actor, store, {name: approval.after[name] for name in TERMS}, reason=approval.reason)


def is_looser(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Does money go with less said about it, or sooner, or more of it on one person's word?"""
    trust, trusted = (TRUST.index(terms["payout_confirm"]) for terms in (after, before))
    sooner = after["payout_confirm"] == "window" and after["payout_window_s"] < before["payout_window_s"]
    limit, limited = after["payout_alone_max_minor"], before["payout_alone_max_minor"]
    return trust > trusted or sooner or (limited is not None and (limit is None or limit > limited))


def now(store: Store) -> dict[str, Any]:
    return {name: getattr(store, name) for name in TERMS}


def _asked(store: Store, command: SetPayoutTerms) -> dict[str, Any]:
    limit = None if command.alone_max is None else typed_amounts.amount(
        "alone_max", command.alone_max, store.settlement_currency).minor
    return {"payout_accept_for_s": command.accept_for_min * MINUTE_S,
            "payout_pay_for_s": command.pay_for_min * MINUTE_S, "payout_confirm": command.confirm,
            "payout_window_s": command.window_min * MINUTE_S, "payout_tries_max": command.tries_max,
            "payout_alone_max_minor": limit}


def _about(store: Store) -> dict[str, str]:
    """For who decides: whose, and what the limit is in."""
    return {"name": store.name, "currency": store.settlement_currency}


def _set(session: Session, actor: Actor, store: Store, after: dict[str, Any], *, reason: str) -> None:
    before = now(store)
    for name, value in after.items():
        setattr(store, name, value)
    session.flush()
    audit.record(session, actor, "store.payout_terms_set", "store", store.id, before=before,
                 after=after | {"currency": store.settlement_currency}, reason=reason)


approvals.register(KIND, apply=approved, title="Terms of payouts")
