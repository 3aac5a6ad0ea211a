"""Reversals: an entry that should not be there is mirrored by another that names it, on the word of two people.

`ledger.entries.REVERSIBLE` says of which kinds; an order's entries are never among them.
"""
from sqlalchemy.orm import Session

from portal import approvals, ledger
from portal.approvals import Approval, StaleApproval
from portal.approvals import kinds as approval_kinds
from portal.core import clock
from portal.core.access import Actor, Permission
from portal.core.errors import Conflict, Denied, NotFound, Rejected
from portal.core.money import MINOR_MAX, Money
from portal.ledger import Draft, Recorded
from portal.treasury import taking
from portal.treasury.commands import AskReversal

KIND = "reversal"
TARGET = "entry"


class NotReversible(Rejected):
    """An entry of this kind is not reversed: it is put right where it came from."""

    code = "not_reversible"


class PartlyClaimed(Rejected):
    """Part of this was claimed from its owner, so that its mirror would not undo it. Put it right by an adjustment."""

    code = "partly_claimed"


class AlreadyReversed(Conflict):
    """This entry has been reversed already."""

    code = "already_reversed"


def ask(session: Session, actor: Actor, command: AskReversal) -> Approval:
    """Put it before a second person; nothing is posted yet.

    Raises Denied, NotFound, NotReversible, PartlyClaimed, AlreadyReversed, AlreadyAsked.
    """
    if not (actor.is_system or (actor.is_staff and actor.may(Permission.ADJUSTMENT_REQUEST)
                                and actor.may(Permission.LEDGER_READ))):
        raise Denied()
    found = _reversible(session, command.entry_id)
    amount = found.lines[0].amount
    return approvals.ask_once(
        session, actor, kind=KIND, target_kind=TARGET, target_id=found.id, reason=command.reason, before=None,
        after={"entry": found.kind, "amount": amount.text, "currency": amount.currency})


def apply(session: Session, actor: Actor, approval: Approval) -> None:
    """Approved: the mirror is in the books. What an owner has spent meanwhile is claimed.

    Raises StaleApproval where somebody reversed it since, InsufficientFunds as an adjustment does.
    """
    found = _entry(session, int(approval.target_id))
    if found.reversed_by is not None:
        raise StaleApproval()
    [line] = found.lines
    taking.post(session, actor, line.credit, line.debit, line.amount,
                lambda own: _mirror(approval, found, own), reference=approval.id)


def drafts(session: Session, approval: Approval) -> list[Draft]:
    """What approving it would post; nothing where it was reversed since."""
    found = _entry(session, int(approval.target_id))
    if found.reversed_by is not None:
        return []
    [line] = found.lines
    return taking.drafts(session, line.credit, line.debit, line.amount,
                         lambda own: _mirror(approval, found, own))


def subject(session: Session, approval: Approval) -> str:
    """Whose account the entry moved; where it was nobody's but the desk's, the entry itself."""
    [line] = _entry(session, int(approval.target_id)).lines
    owned = [one for one in (line.credit, line.debit) if one.owner_kind in ("store", "trader")]
    return f"{owned[0].owner_kind}:{owned[0].owner_id}" if owned else f"{TARGET}:{approval.target_id}"


def _reversible(session: Session, entry_id: int) -> Recorded:
    found = _entry(session, entry_id)
    if found.kind not in ledger.entries.REVERSIBLE or not found.lines[0].debit.live:  # nor a robot's test collateral
        raise NotReversible()
    if found.reversed_by is not None:
        raise AlreadyReversed()
    if ledger.claims.made_by(session, found.reference):
        raise PartlyClaimed()
    return found


def _mirror(approval: Approval, found: Recorded, own: Money) -> Draft:
    [line] = found.lines
    return ledger.entries.reversal(approval.id, found.id, line, own, day=clock.day_of(found.posted_at))


def _entry(session: Session, entry_id: int) -> Recorded:
    found = ledger.recorded(session, entry_id) if 0 < entry_id <= MINOR_MAX else None
    if found is None:
        raise NotFound()
    return found


approvals.register(KIND, apply=apply, title="Reversal of an entry", drafts=drafts, subject=subject,
                   counted_as=approval_kinds.CREDITS)
