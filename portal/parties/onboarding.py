"""Merchants and traders that wait are set going by two people; suspending and resuming is one person's, with a reason.

Two kinds of approval, one for each sort of party.
"""
from uuid import UUID

from sqlalchemy.orm import Session

from portal import approvals
from portal.approvals import Approval, StaleApproval
from portal.core.access import SYSTEM, Actor
from portal.core.db import locked_one
from portal.core.errors import NotFound, Rejected
from portal.parties import merchants, queries, traders
from portal.parties.commands import AskOnboarding, EndShift, MoveMerchant, MoveTrader
from portal.parties.models import Merchant, Trader

MERCHANT, TRADER = "merchant_onboarding", "trader_onboarding"


class NeedsOnboarding(Rejected):
    """This one waits to be set going: two people decide that."""

    code = "needs_onboarding"


class NothingToOnboard(Rejected):
    """This one was set going already."""

    code = "nothing_to_onboard"


def ask(session: Session, actor: Actor, command: AskOnboarding) -> Approval:
    """Put a waiting merchant or trader before a second person.

    Raises NotFound, NothingToOnboard, AlreadyAsked.
    """
    party = _locked(session, actor, command.party, command.party_id)
    if party.status != "pending":
        raise NothingToOnboard()
    kind = MERCHANT if command.party == "merchant" else TRADER
    return approvals.ask_once(session, actor, kind=kind, target_kind=command.party, target_id=party.id,
                              before={"name": party.name, "status": "pending"},
                              after={"name": party.name, "status": "active"}, reason=command.reason)


def move_merchant(session: Session, actor: Actor, command: MoveMerchant) -> Merchant:
    """Suspend, or resume who was going before. Harmless twice. Raises NotFound, NeedsOnboarding."""
    _refuse_waiting(_locked(session, actor, "merchant", command.merchant_id), command.status)
    return merchants.move(session, actor, command)


def move_trader(session: Session, actor: Actor, command: MoveTrader) -> Trader:
    """Suspend, which ends the shift, or resume. Harmless twice. Raises NotFound, NeedsOnboarding."""
    _refuse_waiting(_locked(session, actor, "trader", command.trader_id), command.status)
    return traders.move(session, actor, command)


def end_shift(session: Session, actor: Actor, command: EndShift) -> Trader:
    """Staff take a trader off shift; open orders go on. Harmless twice. Raises NotFound."""
    return traders.end_shift(session, actor, command.trader_id, because=command.reason)


def merchant_approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees: its keys open the gateway from now on. Raises StaleApproval."""
    _check(_locked(session, SYSTEM, "merchant", UUID(approval.target_id)), approval)
    merchants.move(session, actor, MoveMerchant(merchant_id=UUID(approval.target_id), status="active",
                                                reason=approval.reason))


def trader_approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees: they may begin a shift from now on. Raises StaleApproval."""
    _check(_locked(session, SYSTEM, "trader", UUID(approval.target_id)), approval)
    traders.move(session, actor, MoveTrader(trader_id=UUID(approval.target_id), status="active",
                                            reason=approval.reason))


def _check(party: Merchant | Trader, approval: Approval) -> None:
    if {"name": party.name, "status": party.status} != approval.before:
        raise StaleApproval()


def _refuse_waiting(party: Merchant | Trader, status: str) -> None:
    if party.status == "pending" and status == "active":
        raise NeedsOnboarding()


def _locked(session: Session, actor: Actor, kind: str, id: UUID) -> Merchant | Trader:
    """Raises NotFound, also for the desk's own robots."""
    found: Merchant | Trader | None
    if kind == "merchant":
        found = locked_one(session, queries.merchants_visible_to(actor).where(Merchant.id == id))
    else:
        found = locked_one(session, queries.traders_visible_to(actor).where(Trader.id == id, ~Trader.robot))
    if found is None:
        raise NotFound()
    return found


approvals.register(MERCHANT, apply=merchant_approved, title="Set a merchant going")
approvals.register(TRADER, apply=trader_approved, title="Set a trader going")
