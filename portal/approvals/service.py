"""Ask and decide. The decision and its effect are one transaction; the database too wants two people."""
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.approvals import admissions, kinds, queries
from portal.approvals.commands import DecideApproval
from portal.approvals.models import Approval
from portal.core import audit, clock, ids, page_events
from portal.core.access import Actor, ActorKind, Permission
from portal.core.db import locked_one
from portal.core.errors import Conflict, Denied, NotFound, judges


class OwnApproval(Denied):
    """You asked for this yourself: somebody else has to decide."""

    code = "own_approval"


class OneHand(Denied):
    """One of you two let the other in: somebody else has to decide this, or let that person in again first."""

    code = "one_hand"


class AlreadyDecided(Conflict):
    """Somebody has decided this already."""

    code = "already_decided"


class StaleApproval(Conflict):
    """What this approval was asked for has changed since. Reject it and ask anew."""

    code = "stale_approval"


class AlreadyAsked(Conflict):
    """This waits for a second person already."""

    code = "already_asked"


judges({"ck_approvals_four_eyes": OwnApproval})


def ask(session: Session, actor: Actor, *, kind: str, target_kind: str, target_id: object,
        before: dict[str, Any] | None, after: dict[str, Any], reason: str) -> Approval:
    """Put a change before a second person. `before` is what `apply` compares with to find it stale; no secrets."""
    kinds.of(kind)
    approval = Approval(
        id=ids.new_id(), kind=kind, target_kind=target_kind, target_id=str(target_id), before=before or {},
        after=after, reason=reason, asked_by=actor.id, asked_name=actor.name, state="pending")
    session.add(approval)
    session.flush()
    audit.record(session, actor, f"{kind}.asked", target_kind, target_id, before=before, after=after, reason=reason)
    page_events.tell(session, "approvals", ())
    return approval


def ask_once(session: Session, actor: Actor, *, kind: str, target_kind: str, target_id: object,
             before: dict[str, Any] | None, after: dict[str, Any], reason: str) -> Approval:
    """As `ask`, for a target that the caller has locked and that waits for one such decision at a time.

    Raises AlreadyAsked.
    """
    if queries.waiting_for(session, target_kind, target_id, kind=kind):
        raise AlreadyAsked()
    return ask(session, actor, kind=kind, target_kind=target_kind, target_id=target_id, before=before, after=after,
               reason=reason)


def decide(session: Session, actor: Actor, command: DecideApproval) -> Approval:
    """A second person approves or rejects; what was asked for happens now or never.

    Raises NotFound, Denied, OwnApproval, OneHand, AlreadyDecided, StaleApproval, and what the effect itself may raise.
    """
    if actor.kind is not ActorKind.USER or actor.id is None or not actor.may(Permission.APPROVAL_DECIDE):
        raise Denied()
    approval = locked_one(session, select(Approval).where(Approval.id == ids.parse("apr", command.approval_id)))
    if approval is None:
        raise NotFound()
    if approval.state != "pending":
        raise AlreadyDecided(state=approval.state, by=approval.decided_name)
    _check_two_people(session, actor, approval)
    approving = command.decision == "approve"
    kind = kinds.of(approval.kind)
    effect = kind.apply if approving else kind.reject
    if effect is not None:
        effect(session, actor, approval)
    approval.state = "approved" if approving else "rejected"
    approval.decided_by, approval.decided_name, approval.decided_at = actor.id, actor.name, clock.now()
    approval.decision_reason = command.reason
    session.flush()
    audit.record(session, actor, f"{approval.kind}.{approval.state}", approval.target_kind, approval.target_id,
                 before=approval.before, after=approval.after, reason=command.reason)
    page_events.tell(session, "approvals", ())
    return approval


def _check_two_people(session: Session, actor: Actor, approval: Approval) -> None:
    """Two accounts, and two people behind them as far as the desk can know. Raises OwnApproval, OneHand."""
    if approval.asked_by is None:
        return
    if approval.asked_by == actor.id:
        raise OwnApproval()
    assert actor.id is not None
    if admissions.one_hand(session, approval.asked_by, actor.id, asked_at=approval.created_at):
        raise OneHand()
