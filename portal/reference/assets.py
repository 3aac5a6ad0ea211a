"""Crypto assets: asked for by one of the staff and agreed to by another, for their digits stay for good."""
from sqlalchemy.orm import Session

from portal import approvals
from portal.approvals import Approval
from portal.core import audit
from portal.core.access import Actor
from portal.reference import cache
from portal.reference.commands import AskAsset
from portal.reference.models import Currency
from portal.reference.service import CodeTaken

KIND = "asset"


def ask(session: Session, actor: Actor, command: AskAsset) -> Approval:
    """Put a new asset before a second person. Raises CodeTaken, AlreadyAsked."""
    if session.get(Currency, command.code) is not None:
        raise CodeTaken()
    return approvals.ask_once(
        session, actor, kind=KIND, target_kind="currency", target_id=command.code, before=None, reason=command.reason,
        after={"asset": command.code, "name": command.name, "digits": command.digits})


def apply(session: Session, actor: Actor, approval: Approval) -> None:
    """Agreed: it is there, switched on; every process knows it within seconds. Raises StaleApproval."""
    asked = {"asset": approval.after.get("code"), **approval.after}  # as it was called in what was asked before
    if session.get(Currency, asked["asset"]) is not None:
        raise approvals.StaleApproval()
    session.add(Currency(code=asked["asset"], name=asked["name"], exponent=asked["digits"], kind="crypto",
                         sign=asked["asset"]))
    session.flush()
    audit.record(session, actor, "currency.added", "currency", asked["asset"], after=asked, reason=approval.reason)
    cache.changed(session)


approvals.register(KIND, apply=apply, title="New crypto asset")
