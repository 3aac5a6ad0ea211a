"""A requisite on which attempt after attempt comes to nothing: its bank refuses, its name puts payers off.

Payers are counted, not attempts: one who asks five times and pays none says nothing of the requisite. It is not given
to every next payer: one small order at a time, until one of them is paid (the rule `quarantine` of matching). Staff may
let it go on at once.
"""
from sqlalchemy.orm import Session

from portal import notices
from portal.core import audit, clock, crypto, ids
from portal.core.access import SYSTEM, Actor
from portal.requisites import queries
from portal.requisites.commands import MoveRequisite
from portal.requisites.models import PREFIX, Requisite

AFTER = 5  # in a row


def failed(session: Session, requisite: Requisite, payer: str) -> None:
    """An attempt of this payer on it came to nothing. The caller holds its lock."""
    known = crypto.sha256(payer).hex()[:16]  # who it was is nobody's business here
    if requisite.robot or known in requisite.failed_payers:
        return
    requisite.failed_payers = [*requisite.failed_payers, known][-AFTER:]
    if requisite.quarantined_at is None and len(requisite.failed_payers) >= AFTER:
        requisite.quarantined_at = clock.now()
        audit.record(session, SYSTEM, "requisite.quarantined", "requisite", requisite.id,
                     after={"payers": len(requisite.failed_payers)})
        notices.notify(session, "requisite.quarantined", notices.trader(requisite.trader_id),
                       number=requisite.mask, requisite=requisite.public_id)


def worked(session: Session, requisite: Requisite) -> None:
    """Money came by it. The caller holds its lock."""
    if requisite.quarantined_at is not None:
        audit.record(session, SYSTEM, "requisite.quarantine_over", "requisite", requisite.id)
    if requisite.failed_payers:
        requisite.failed_payers = []
    requisite.quarantined_at = None


def lift(session: Session, actor: Actor, command: MoveRequisite) -> Requisite:
    """Staff have looked at it. Harmless twice. Raises NotFound."""
    requisite = queries.lock(session, actor, ids.parse(PREFIX, command.requisite_id))
    if requisite.quarantined_at is not None:
        audit.record(session, actor, "requisite.quarantine_over", "requisite", requisite.id, reason=command.reason)
        requisite.failed_payers, requisite.quarantined_at = [], None
    return requisite
