"""What happens to a requisite: added, approved, rejected, paused, resumed, blocked, archived."""
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from portal import approvals, notices, reference
from portal.approvals.models import Approval
from portal.core import audit, ids, page_events
from portal.core.access import SYSTEM, Actor
from portal.core.errors import Conflict, Denied, FieldError, Invalid, NotFound, judges
from portal.parties.models import Trader
from portal.reference import validators
from portal.requisites import freezing, lanes, numbers, queries
from portal.requisites.commands import AddRequisite, MoveRequisite
from portal.requisites.models import PREFIX, Requisite
from portal.requisites.states import LIFECYCLE, Action, Status

KIND = "requisite"
N_ = str  # marks a sentence for translation
SWITCHED_OFF = N_("It is switched off. Switch it on when it should take orders again.")


class NumberTaken(Conflict):
    """This number is on the desk already."""

    code = "number_taken"


class HasOpenOrders(Conflict):
    """Orders are still open on this requisite. Pause it and wait until they have ended."""

    code = "requisite_has_open_orders"


judges({"uq_requisites_number": NumberTaken})
_GIVEN_BACK = {Action.UNBLOCK: "unblocked", Action.THAW: "thawed", Action.THAW_BLOCKED: "thawed"}
"""In the audit: by where they lead, they would be told as switching it off, or blocking it."""


def add(session: Session, actor: Actor, command: AddRequisite) -> Requisite:
    """A trader offers an instrument; it waits for staff and is not matched until they approve it.

    Raises Invalid (number, method, bank, currency, limits), NotFound for a trader, NumberTaken.
    """
    requisite = _made(session, _owner(session, actor, command.trader_id), command)
    session.add(requisite)
    session.flush()
    audit.record(session, actor, "requisite.added", "requisite", requisite.id, after=facts(requisite))
    ask(session, actor, requisite, reason="New requisite")
    return requisite


def enter(session: Session, actor: Actor, command: AddRequisite, *, reason: str) -> Requisite:
    """One that two people have agreed to already, with others: it is made approved. The caller rebuilds its lanes.

    Raises as `add`.
    """
    requisite = _made(session, _owner(session, actor, command.trader_id), command)
    requisite.status = Status.ACTIVE
    session.add(requisite)
    session.flush()
    audit.record(session, actor, "requisite.added", "requisite", requisite.id, after=facts(requisite), reason=reason)
    return requisite


def ask(session: Session, actor: Actor, requisite: Requisite, *, reason: str) -> Approval:
    """Put a pending requisite before a second person, as it is now."""
    return approvals.ask(session, actor, kind=KIND, target_kind="requisite", target_id=requisite.id, before={},
                         after=facts(requisite), reason=reason)


def approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees: it takes orders from now on. Raises StaleApproval, InvalidTransition."""
    requisite = queries.lock(session, SYSTEM, UUID(str(approval.target_id)))
    if facts(requisite) != approval.after:
        raise approvals.StaleApproval()
    move(session, actor, requisite, Action.APPROVE, approval.reason)


def rejected(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person refuses: its number may be offered again. A stale request is only put away."""
    requisite = queries.lock(session, SYSTEM, UUID(str(approval.target_id)))
    if requisite.status != Status.PENDING or facts(requisite) != approval.after:
        return
    move(session, actor, requisite, Action.REJECT, approval.reason)


def pause(session: Session, actor: Actor, command: MoveRequisite) -> Requisite:
    """No new orders; open ones go on. Raises NotFound, InvalidTransition."""
    return _moved(session, actor, command, Action.PAUSE)


def resume(session: Session, actor: Actor, command: MoveRequisite) -> Requisite:
    """Orders again. Raises NotFound, InvalidTransition."""
    return _moved(session, actor, command, Action.RESUME)


def block(session: Session, actor: Actor, command: MoveRequisite) -> Requisite:
    """Staff take it out of service; its trader cannot resume it, and is told. Raises Denied, NotFound,
    InvalidTransition."""
    _staff_only(actor)
    requisite = _moved(session, actor, command, Action.BLOCK)
    tell_trader(session, actor, requisite, "requisite.blocked")
    return requisite


def unblock(session: Session, actor: Actor, command: MoveRequisite) -> Requisite:
    """Staff give it back, paused, for its trader to resume, who is told. Raises Denied, NotFound, InvalidTransition."""
    _staff_only(actor)
    requisite = _moved(session, actor, command, Action.UNBLOCK)
    tell_trader(session, actor, requisite, "requisite.given_back", how=SWITCHED_OFF)
    return requisite


def tell_trader(session: Session, actor: Actor, requisite: Requisite, event: str, **facts: str) -> None:
    """What staff did with it, but not why: what they give as their reason is for the audit."""
    notices.notify(session, event, notices.trader(requisite.trader_id), but=actor.id, number=requisite.mask,
                   requisite=requisite.public_id, **facts)


def archive(session: Session, actor: Actor, command: MoveRequisite) -> Requisite:
    """Gone for good; its number may be offered again. Raises NotFound, InvalidTransition, HasOpenOrders."""
    return _moved(session, actor, command, Action.ARCHIVE)


def facts(requisite: Requisite) -> dict[str, Any]:
    """What staff decide on and the audit keeps: the number masked, the holder by id."""
    names = ("method", "bank", "currency", "payin", "payout", "min_minor", "max_minor", "day_max_minor",
             "day_count_max", "month_max_minor", "open_orders_max", "cooldown_s", "weight")
    return {"trader_id": str(requisite.trader_id), "holder_id": str(requisite.holder_id), "number": requisite.mask,
            **{name: getattr(requisite, name) for name in names}}


def _owner(session: Session, actor: Actor, trader_id: UUID | None) -> Trader:
    """A trader adds for themselves, staff for any. Raises NotFound."""
    wanted = trader_id or actor.trader_id
    if wanted is None or (actor.trader_id is not None and wanted != actor.trader_id):
        raise NotFound()
    trader = session.get(Trader, wanted)
    if trader is None or trader.robot or not (actor.is_staff or actor.is_system or actor.trader_id == trader.id):
        raise NotFound()
    return trader


def _made(session: Session, trader: Trader, command: AddRequisite) -> Requisite:
    known = reference.snapshot(session)
    method = known.method(command.method)
    if known.currency(command.currency).kind != "fiat":
        raise Invalid(fields=[FieldError("/currency", "not_fiat", "Requisites take fiat currencies.")])
    if not (command.payin or command.payout):
        raise Invalid(fields=[FieldError("/payin", "no_direction", "Choose at least one direction.")])
    number = numbers.canonical(known, command)
    if numbers.is_taken(session, number, currency=command.currency, live=True):
        raise NumberTaken()
    id = ids.new_id()
    return Requisite(
        id=id, trader_id=trader.id, holder_id=numbers.holder_of(session, command.holder), live=True,
        method=command.method, bank=command.bank, currency=command.currency, payin=command.payin,
        payout=command.payout, **numbers.seal(trader, id, number, card=method.validator in validators.CARDS),
        **command.columns(command.currency))


def _moved(session: Session, actor: Actor, command: MoveRequisite, action: Action) -> Requisite:
    requisite = queries.lock(session, actor, ids.parse(PREFIX, command.requisite_id))
    if action is Action.ARCHIVE and requisite.open_orders and not requisite.robot:
        raise HasOpenOrders()
    move(session, actor, requisite, action, command.reason)
    return requisite


def move(session: Session, actor: Actor, requisite: Requisite, action: Action, reason: str | None) -> None:
    """One step of its life, on a locked requisite: audited, off the lanes or on them. Raises InvalidTransition."""
    before = requisite.status
    requisite.status = LIFECYCLE.next(before, action)
    audit.record(session, actor, f"requisite.{_GIVEN_BACK.get(action, requisite.status)}", "requisite", requisite.id,
                 before={"status": before}, after={"status": requisite.status}, reason=reason)
    if before == Status.FROZEN:
        freezing.ended(session, actor, requisite)
    lanes.rebuild(session, [requisite.id])
    page_events.tell(session, "requisites", [page_events.trader(requisite.trader_id)])


def _staff_only(actor: Actor) -> None:
    if not (actor.is_staff or actor.is_system):
        raise Denied()


approvals.register(KIND, apply=approved, reject=rejected, title="New requisite")
