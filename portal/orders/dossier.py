"""One order from all sides, as its page shows it: steps, attempts, the looks for a requisite, the postings."""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from portal import ledger
from portal.core.access import Actor
from portal.orders import queries
from portal.orders.models import Assignment, MatchTry, Order, OrderEvent
from portal.orders.states import AssignmentState
from portal.requisites.models import Requisite

EVENTS_MAX = 200
TRIES_MAX = 50


@dataclass(frozen=True)
class Dossier:
    order: Order
    events: Sequence[OrderEvent]
    assignments: Sequence[Assignment]  # newest first, with requisite and trader
    tries: Sequence[MatchTry]

    @property
    def current(self) -> Assignment | None:
        """The assignment that is open or was confirmed."""
        return next((a for a in self.assignments if a.state in (AssignmentState.OPEN, AssignmentState.CHOSEN)), None)

    @property
    def last(self) -> Assignment | None:
        return self.assignments[0] if self.assignments else None

    @property
    def references(self) -> list[UUID]:
        """What the ledger's entries of this order refer to."""
        return [self.order.id, *(assignment.id for assignment in self.assignments)]


def open_dossier(session: Session, actor: Actor, order_id: str) -> Dossier:
    """Four queries, however long the order's life was; a trader sees only his own assignments. Raises NotFound."""
    order = queries.find(session, actor, order_id)
    assignments = (select(Assignment).where(Assignment.order_id == order.id)
                   .options(joinedload(Assignment.requisite).joinedload(Requisite.holder),
                            joinedload(Assignment.trader))
                   .order_by(Assignment.created_at.desc()))
    if actor.trader_id is not None:
        assignments = assignments.where(Assignment.trader_id == actor.trader_id)
    attempts = session.scalars(assignments).all()
    events = session.scalars(select(OrderEvent).where(OrderEvent.order_id == order.id,
                                                      OrderEvent.created_at >= order.created_at)
                             .order_by(OrderEvent.version).limit(EVENTS_MAX)).all()
    tries = session.scalars(select(MatchTry).where(MatchTry.order_id == order.id,
                                                   MatchTry.created_at >= order.created_at)
                            .order_by(MatchTry.id.desc()).limit(TRIES_MAX)).all() if actor.is_staff else []
    if actor.trader_id is not None:
        events = _while_his(events, attempts)
    return Dossier(order, events, attempts, tries)


def _while_his(events: Sequence[OrderEvent], attempts: Sequence[Assignment]) -> list[OrderEvent]:
    """What happened while a trader had the order, and nothing of what came after it was taken from him."""
    return [event for event in events if any(
        a.created_at <= event.created_at and (not a.lost or a.ended_at is None or event.created_at <= a.ended_at)
        for a in attempts)]


def postings(session: Session, dossier: Dossier) -> Sequence[Any]:
    """The ledger's lines of this order, oldest first."""
    return ledger.lines_of(session, dossier.references)
