"""Companies that sell: taken on, set going, suspended."""
from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.access import Actor
from portal.core.db import locked_one
from portal.core.errors import NotFound
from portal.parties import keys, queries
from portal.parties.commands import CreateMerchant, MoveMerchant
from portal.parties.models import Merchant


def create(session: Session, actor: Actor, command: CreateMerchant) -> Merchant:
    """A company is taken on; it waits until staff set it going."""
    merchant = Merchant(name=command.name, status="pending")
    session.add(merchant)
    session.flush()
    audit.record(session, actor, "merchant.created", "merchant", merchant.id, after={"name": merchant.name})
    return merchant


def move(session: Session, actor: Actor, command: MoveMerchant) -> Merchant:
    """Set going or suspended; the keys of a suspended one are refused within a second. Harmless twice.

    Raises NotFound.
    """
    merchant = locked_one(session, queries.merchants_visible_to(actor).where(Merchant.id == command.merchant_id))
    if merchant is None:
        raise NotFound()
    if merchant.status != command.status:
        before, merchant.status = merchant.status, command.status
        keys.forget(session)
        audit.record(session, actor, "merchant.moved", "merchant", merchant.id, before={"status": before},
                     after={"status": command.status}, reason=command.reason)
    return merchant
