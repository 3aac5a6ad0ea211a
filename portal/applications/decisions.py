"""An application is accepted or refused by two people; accepted, its merchant or trader and its first person exist."""
import secrets
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy.orm import Session

from portal import approvals
from portal.applications import service
from portal.applications.commands import Propose
from portal.applications.models import Application
from portal.approvals import Approval, StaleApproval
from portal.core import clock
from portal.core.access import SYSTEM, Actor
from portal.core.db import locked_one
from portal.core.errors import Conflict, FieldError, Invalid, NotFound
from portal.parties import merchants, traders, users
from portal.parties.commands import CreateMerchant, CreateTrader, CreateUser, MoveMerchant, MoveTrader
from portal.parties.models import Merchant, Trader

KIND, TARGET = "application", "application"
FACTS = ("kind", "name", "contact", "email", "phone", "country")


class NotOpen(Conflict):
    """This application has been decided, or waits for a second person already."""

    code = "application_not_open"


def propose(session: Session, actor: Actor, command: Propose) -> Approval:
    """Put it before a second person. A refusal has a sentence for the applicant.

    Raises NotFound, NotOpen, Invalid, AlreadyAsked.
    """
    application = _locked(session, actor, command.application_id)
    if application.state != "received":
        raise NotOpen()
    if command.decision == "refuse" and command.told is None:
        raise Invalid(fields=[FieldError("/told", "missing", "Tell the applicant why.")])
    application.state = "proposed"
    facts = {name: getattr(application, name) for name in FACTS}
    asked = {"decision": command.decision} | ({"told": command.told} if command.told else {}) | (
        {"settlement_currency": command.currency} if application.kind == "trader" else {})
    return approvals.ask_once(session, actor, kind=KIND, target_kind=TARGET, target_id=application.id,
                              before=facts, after=facts | asked, reason=command.reason)


def approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees. Accepted: merchant or trader and first person are made and set going; the person has no
    password yet, and comes in by a link (`invitation`).

    Raises StaleApproval, EmailTaken.
    """
    application = _of(session, approval)
    if application is None or application.state != "proposed" or approval.before != {
            name: getattr(application, name) for name in FACTS}:
        raise StaleApproval()
    if approval.after["decision"] == "refuse":
        _decided(application, approval, "refused")
        return
    party = _party(session, actor, application, approval)
    of_merchant = application.kind == "merchant"
    user = users.create(session, actor, CreateUser(
        email=application.email, name=application.contact, password=SecretStr(secrets.token_urlsafe(32)),
        template="merchant_owner" if of_merchant else "trader", merchant_id=party.id if of_merchant else None,
        trader_id=None if of_merchant else party.id, locale="ru" if application.locale == "ru" else "en"))
    user.one_time_until = clock.now()  # what nobody knows opens nothing
    session.flush()
    application.party_id, application.user_id = party.id, user.id
    _decided(application, approval, "accepted")


def rejected(session: Session, actor: Actor, approval: Approval) -> None:
    """Nothing came of it: it waits for staff again."""
    application = _of(session, approval)
    if application is not None and application.state == "proposed":
        application.state = "received"


def _decided(application: Application, approval: Approval, state: str) -> None:
    application.state, application.decided_at, application.told = state, clock.now(), approval.after.get("told")


def _party(session: Session, actor: Actor, application: Application, approval: Approval) -> Merchant | Trader:
    """Made by who decides, and set going at once: two people have agreed."""
    if application.kind == "merchant":
        merchant = merchants.create(session, actor, CreateMerchant(name=application.name))
        return merchants.move(session, SYSTEM, MoveMerchant(merchant_id=merchant.id, status="active",
                                                            reason=approval.reason))
    trader = traders.create(session, actor, CreateTrader(
        name=application.name, settlement_currency=approval.after["settlement_currency"]))
    return traders.move(session, SYSTEM, MoveTrader(trader_id=trader.id, status="active", reason=approval.reason))


def _locked(session: Session, actor: Actor, application_id: str) -> Application:
    """Raises NotFound."""
    found = service.find(session, actor, application_id)
    application = locked_one(session, service.visible_to(actor).where(Application.id == found.id))
    if application is None:
        raise NotFound()
    return application


def _of(session: Session, approval: Approval) -> Application | None:
    return locked_one(session, service.visible_to(SYSTEM).where(Application.id == UUID(approval.target_id)))


approvals.register(KIND, apply=approved, reject=rejected, title="Application to join")
