"""One order from all sides, as its page shows it: steps, attempts, the looks for a requisite, the postings."""
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from portal import ledger
from portal.core import archived_months
from portal.core.access import Actor
from portal.core.jobs import Job
from portal.core.money import Money
from portal.orders import destinations, queries
from portal.orders.matching.match import STAGES
from portal.orders.models import Assignment, MatchTry, Order, OrderEvent
from portal.orders.states import AssignmentState, FailureCode, Status
from portal.parties.models import Merchant
from portal.requisites.models import Requisite
from portal.webhooks.models import Attempt, Delivery

EVENTS_MAX = 200
TRIES_MAX = 50
WORK = ("match_order", "expire_order", "flag_unconfirmed", "amount_unanswered", "confirm_payout", "settle_order")
REQUESTS_MAX = 500


class Run(NamedTuple):
    """The last of some like events, and how many there were."""

    event: OrderEvent
    times: int


@dataclass(frozen=True)
class Dossier:
    order: Order
    events: Sequence[OrderEvent]
    assignments: Sequence[Assignment]  # newest first, with requisite and trader
    tries: Sequence[MatchTry]
    archived: Sequence[date] = ()  # months of its life that are archived, when steps are missing: see `flask history`

    @property
    def current(self) -> Assignment | None:
        """The assignment that is open or was confirmed; else one that its payer exchanged and may still pay by."""
        return next((a for wanted in (AssignmentState.OPEN, AssignmentState.CHOSEN, AssignmentState.LINGERING)
                     for a in self.assignments if a.state == wanted), None)

    @property
    def last(self) -> Assignment | None:
        return self.assignments[0] if self.assignments else None

    @property
    def earned(self) -> Money | None:
        """What the desk keeps of the fee once the trader has his reward; None while nobody has the order."""
        paid = self.current or next((a for a in self.assignments if a.earned), None)
        return None if paid is None else self.order.fee - paid.reward

    @property
    def recipient(self) -> str | None:
        """The person a payout is for, as far as the store says and the name opens."""
        return destinations.recipient_shown(self.order)

    @property
    def fault(self) -> str | None:
        """What ended it inside matching, by the name of the error; None where it ended otherwise or has not."""
        ended_so = self.order.failure_code == FailureCode.MATCHING_ERROR
        return next((event.details["fault"] for event in reversed(self.events) if "fault" in event.details),
                    None) if ended_so else None

    @property
    def runs(self) -> list["Run"]:
        """The events, with looks for a requisite that followed each other as one."""
        runs: list[Run] = []
        for event in self.events:
            if runs and event.to_status == Status.RETRYING == runs[-1].event.to_status:
                runs[-1] = Run(event, runs[-1].times + 1)
            else:
                runs.append(Run(event, 1))
        return runs

    @property
    def version(self) -> str:
        """Another as soon as one of its pages would look otherwise: steps, attempts, looks for a requisite."""
        return f"{self.order.version}-{len(self.assignments)}-{len(self.tries)}-{self.order.needs_attention_at or ''}"

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
    archived = _archived(session, order, events)
    if actor.trader_id is not None:
        events = _while_his(events, attempts)
    return Dossier(order, events, attempts, tries, archived)


def _archived(session: Session, order: Order, events: Sequence[OrderEvent]) -> Sequence[date]:
    """Which months of an order that lacks its first or last step are away; asks only then."""
    if events and events[0].version == 1 and (events[-1].version == order.version or len(events) == EVENTS_MAX):
        return ()
    return [one.month for one in archived_months.detached(session, "order_events", since=order.created_at)]


def _while_his(events: Sequence[OrderEvent], attempts: Sequence[Assignment]) -> list[OrderEvent]:
    """What happened while a trader had the order, and nothing of what came after it was taken from him."""
    return [event for event in events if any(
        a.created_at <= event.created_at and (not a.lost or a.ended_at is None or event.created_at <= a.ended_at)
        for a in attempts)]


class FunnelStep(NamedTuple):
    """How many requisites were left after a filter, and how many fell out at it."""

    stage: str
    left: int
    lost: int


def funnel(look: MatchTry) -> list[FunnelStep]:
    """One look for a requisite, filter by filter; empty where only the lane's tier was noted."""
    counted = [(stage, int(look.funnel[stage])) for stage in STAGES if stage in look.funnel]
    return [FunnelStep(stage, left, before - left) for (_, before), (stage, left) in pairwise(counted)]


def merchant_of(session: Session, order: Order) -> Merchant:
    """The company behind the order's store."""
    return session.get_one(Merchant, order.store.merchant_id)


def work(session: Session, dossier: Dossier) -> Sequence[Job]:
    """What is planned or died for this order: a probe of the unique key for each kind and reference."""
    keys = [str(reference) for reference in dossier.references]
    return session.scalars(select(Job).where(Job.kind.in_(WORK), Job.unique_key.in_(keys)).order_by(Job.run_at)).all()


def requests(session: Session, deliveries: Sequence[Delivery]) -> Mapping[UUID, Sequence[Attempt]]:
    """Every request that was made for these deliveries, by delivery, in order: one query."""
    found: dict[UUID, list[Attempt]] = defaultdict(list)
    if deliveries:
        rows = (select(Attempt).where(Attempt.delivery_id.in_([delivery.id for delivery in deliveries]),
                                      Attempt.created_at >= min(delivery.created_at for delivery in deliveries))
                .order_by(Attempt.created_at, Attempt.id).limit(REQUESTS_MAX))
        for attempt in session.scalars(rows):
            found[attempt.delivery_id].append(attempt)
    return found


def postings(session: Session, dossier: Dossier) -> Sequence[Any]:
    """The ledger's lines of this order, oldest first."""
    return ledger.lines_of(session, dossier.references)
