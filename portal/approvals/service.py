"""Ask and decide. The decision and its effect are one transaction; the database too wants two people."""
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.approvals import admissions, kinds, limits, queries, telling
from portal.approvals.commands import DecideApproval
from portal.approvals.models import Approval
from portal.core import audit, clock, ids, page_events
from portal.core.access import SYSTEM, Actor, ActorKind, Permission
from portal.core.db import locked, locked_one
from portal.core.errors import Conflict, Denied, NotFound, PortalError, judges


class OwnApproval(Denied):
    """You asked for this yourself: somebody else has to decide."""

    code = "own_approval"


class AloneUsedUp(Denied):
    """One person alone has decided as much as they may in 24 hours, for you or for this account. Somebody else has to
    decide."""

    code = "alone_used_up"


class OneHand(Denied):
    """One of you two let the other in: somebody else has to decide this, or let that person in again first."""

    code = "one_hand"


class AgreedAlready(Denied):
    """You agreed to this already: an amount as large wants another person besides."""

    code = "agreed_already"


class AlreadyDecided(Conflict):
    """Somebody has decided this already."""

    code = "already_decided"


class StaleApproval(Conflict):
    """What this approval was asked for has changed since. Reject it and ask anew."""

    code = "stale_approval"


class AlreadyAsked(Conflict):
    """This waits for a second person already."""

    code = "already_asked"


judges({"ck_approvals_four_eyes": OwnApproval, "ck_approvals_six_eyes": AgreedAlready})
log = structlog.get_logger("approvals")
LIVES_FOR = timedelta(hours=24)  # what staff ask: the decision is about the desk of that day
OWNERS_FOR = timedelta(days=7)  # what merchants and traders ask: over a weekend and a holiday
EXPIRED_MAX = 100


def ask(session: Session, actor: Actor, *, kind: str, target_kind: str, target_id: object,
        before: dict[str, Any] | None, after: dict[str, Any], reason: str) -> Approval:
    """Put a change before a second person. `before` is what `apply` compares with to find it stale; no secrets."""
    kinds.of(kind)
    approval = Approval(
        id=ids.new_id(), kind=kind, target_kind=target_kind, target_id=str(target_id), before=before or {},
        after=after, reason=reason, asked_by=actor.id, asked_name=actor.name, state="pending",
        expires_at=clock.now() + (OWNERS_FOR if actor.is_owner else LIVES_FOR))
    session.add(approval)
    session.flush()
    audit.record(session, actor, f"{kind}.asked", target_kind, target_id, before=before, after=after, reason=reason)
    page_events.tell(session, "approvals", ())
    telling.asked(session, actor, approval)
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


def ask_and_decide(session: Session, two: tuple[Actor, Actor], *, kind: str, target_kind: str, target_id: object,
                   before: dict[str, Any], after: dict[str, Any], reason: str) -> Approval:
    """As `ask_once` and `decide` by a second one, in one breath and with nobody told: what the robots of test mode do.
    The caller has seen to it that it is about test money. Raises AlreadyAsked and what the effect raises.
    """
    if queries.waiting_for(session, target_kind, target_id, kind=kind):
        raise AlreadyAsked()
    asker, decider = two
    approval = Approval(
        id=ids.new_id(), kind=kind, target_kind=target_kind, target_id=str(target_id), before=before, after=after,
        reason=reason, asked_by=asker.id, asked_name=asker.name, state="pending", expires_at=clock.now() + LIVES_FOR)
    session.add(approval)
    session.flush()
    kinds.of(kind).apply(session, decider, approval)
    approval.state, approval.decided_by, approval.decided_name = "approved", decider.id, decider.name
    approval.decided_at, approval.decision_reason = clock.now(), reason
    session.flush()
    audit.record(session, decider, f"{kind}.approved", target_kind, target_id, before=before, after=after,
                 reason=reason)
    return approval


def decide(session: Session, actor: Actor, command: DecideApproval) -> Approval:
    """A second person approves or rejects; what was asked for happens now or never.

    Where two have to, the first one only agrees.

    Raises NotFound, Denied, OwnApproval, AloneUsedUp, OneHand, AgreedAlready, AlreadyDecided, StaleApproval, and what
    the effect itself may raise.
    """
    if actor.kind is not ActorKind.USER or actor.id is None or not actor.may(Permission.APPROVAL_DECIDE):
        raise Denied()
    approval = locked_one(session, select(Approval).where(Approval.id == ids.parse("apr", command.approval_id)))
    if approval is None:
        raise NotFound()
    if approval.state != "pending":
        raise AlreadyDecided(state=approval.state, by=approval.decided_name)
    approving = command.decision == "approve"
    by_limit = limits.judged(session, approval, actor, lock=True) if approving else None
    if not takes_effect(session, actor, approval, by_limit, approving=approving):
        return _first_of_two(session, actor, approval, command)
    if by_limit is not None and approval.asked_by == actor.id:
        approval.alone_max_minor = by_limit.limit.alone_max_minor
    kind = kinds.of(approval.kind)
    effect = kind.apply if approving else kind.reject
    if effect is not None:
        effect(session, actor, approval)
    approval.state = "approved" if approving else "rejected"
    approval.decided_by, approval.decided_name, approval.decided_at = actor.id, actor.name, clock.now()
    approval.decision_reason = command.reason
    session.flush()
    limits.note(session, approval, actor, by_limit)
    audit.record(session, actor, f"{approval.kind}.{approval.state}", approval.target_kind, approval.target_id,
                 before=approval.before, after=approval.after, reason=command.reason)
    page_events.tell(session, "approvals", ())
    telling.ended(session, actor, approval)
    return approval


def take_back(session: Session, actor: Actor, approval_id: str) -> Approval:
    """Whoever asked wants it no more, and what hangs on it is undone as by a refusal.

    Raises NotFound (also for another's), AlreadyDecided.
    """
    wanted = select(Approval).where(Approval.id == ids.parse("apr", approval_id), Approval.asked_by == actor.id)
    approval = locked_one(session, wanted)
    if approval is None:
        raise NotFound()
    _undo(session, approval)
    return _end(session, actor, approval, "withdrawn")


def withdraw(session: Session, actor: Actor, approval_id: UUID) -> Approval:
    """As `take_back`, for a noun that has checked that it is theirs, and undoes by itself what hangs on it.

    Raises NotFound, AlreadyDecided.
    """
    approval = locked_one(session, select(Approval).where(Approval.id == approval_id))
    if approval is None:
        raise NotFound()
    return _end(session, actor, approval, "withdrawn")


def expire(session: Session, _jobs: object = None) -> None:
    """Those whose time is over are decided by nobody any more; who asked may ask anew. A bounded number at a time."""
    due = locked(session, select(Approval).where(Approval.state == "pending", Approval.expires_at <= clock.now())
                 .order_by(Approval.expires_at).limit(EXPIRED_MAX))
    for approval in due:
        try:
            with session.begin_nested():
                _undo(session, approval)
                _end(session, SYSTEM, approval, "expired")
        except PortalError as error:  # what hangs on it stands in the way: tried again, and said aloud
            log.error("approval_not_expired", approval=approval.public_id, kind=approval.kind, error=error.code)


def _undo(session: Session, approval: Approval) -> None:
    if approval.state != "pending":
        raise AlreadyDecided(state=approval.state, by=approval.decided_name)
    effect = kinds.refusal_of(approval.kind)
    if effect is not None:
        effect(session, SYSTEM, approval)


def _end(session: Session, actor: Actor, approval: Approval, state: str) -> Approval:
    """Without a decision. Raises AlreadyDecided."""
    if approval.state != "pending":
        raise AlreadyDecided(state=approval.state, by=approval.decided_name)
    approval.state, approval.decided_name, approval.decided_at = state, actor.name, clock.now()
    session.flush()
    audit.record(session, actor, f"{approval.kind}.{state}", approval.target_kind, approval.target_id,
                 before=approval.before, after=approval.after)
    page_events.tell(session, "approvals", ())
    telling.ended(session, actor, approval)
    return approval


def takes_effect(session: Session, actor: Actor, approval: Approval, by_limit: limits.Judged | None, *,
                 approving: bool = True) -> bool:
    """Whether this person's word ends it; False: two have to agree, and he is the first. Pages foresee by it, too.

    As many accounts as it takes, and as many people behind them as far as the desk can know. By a limit, who asked may
    approve what is small enough; a refusal is never an agreement.

    Raises OwnApproval, AloneUsedUp, OneHand, AgreedAlready.
    """
    assert actor.id is not None
    if approval.asked_by == actor.id:
        if by_limit is None or not (by_limit.may_alone or by_limit.only_together):
            raise OwnApproval()
        if not by_limit.may_alone:
            raise AloneUsedUp()
        return True
    if approving and approval.first_by == actor.id:
        raise AgreedAlready()
    earlier = [id for id in (approval.asked_by, approval.first_by) if id is not None and id != actor.id]
    if any(admissions.one_hand(session, one, actor.id, asked_at=approval.created_at) for one in earlier):
        raise OneHand()
    return by_limit is None or not by_limit.needs_two or approval.first_by is not None


def _first_of_two(session: Session, actor: Actor, approval: Approval, command: DecideApproval) -> Approval:
    """One of two agrees: it goes on waiting, for somebody else."""
    approval.first_by, approval.first_name, approval.first_at = actor.id, actor.name, clock.now()
    session.flush()
    audit.record(session, actor, f"{approval.kind}.agreed", approval.target_kind, approval.target_id,
                 before=approval.before, after=approval.after, reason=command.reason)
    page_events.tell(session, "approvals", ())
    return approval
