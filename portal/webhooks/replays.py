"""Replay: everything that an endpoint wants to hear of since a moment is told to it once more, a page of it a job.

Events already on their way are left there, so that a page that is done twice sends nothing twice; each goes under the
webhook-id it always had. What is queued waits in the endpoint's own partition: nobody else's webhooks come later.
"""
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import case, delete, func, insert, select, text, tuple_, update
from sqlalchemy.orm import Session

from portal.core import audit, clock, ids, jobs
from portal.core.access import Actor
from portal.core.db import locked, locked_one
from portal.core.errors import Conflict, NotFound
from portal.core.jobs import Claimed, Job, RetryAt
from portal.webhooks import queries
from portal.webhooks.announce import KIND, delivery_row, partition_of
from portal.webhooks.commands import ReplayEvents
from portal.webhooks.event_types import ALL_TYPES, PING
from portal.webhooks.models import Delivery, DeliveryState, Endpoint, Event, Replay, ReplayState
from portal.webhooks.service import EndpointDisabled, lock_endpoint

REPLAYS = "replay_webhooks"
PAGE = 200  # events of one job's turn
QUEUED_MAX = 10_000  # of one replay
DAY, DAY_MAX = timedelta(hours=24), 50_000  # of all replays of a store
FORGET_MAX = 10_000  # at a time
FIRST = UUID(int=0)


class ReplayRunning(Conflict):
    """Another replay to this endpoint is running. Wait until it has ended."""

    code = "webhook_replay_running"


class TooManyReplayed(Conflict):
    """The replays of this store have told 50,000 events within a day. Begin another one later."""

    code = "webhook_replay_limit"


def replay(session: Session, actor: Actor, command: ReplayEvents) -> Replay:
    """Begin to tell an endpoint everything since then; asked again while that runs, it is the same replay.

    Of what is kept, which is thirty days. Raises NotFound, EndpointDisabled, ReplayRunning, TooManyReplayed.
    """
    now = clock.now()
    endpoint = lock_endpoint(session, actor, command.endpoint_id)
    if not endpoint.active:
        raise EndpointDisabled()
    running = session.scalars(select(Replay).where(
        Replay.endpoint_id == endpoint.id, Replay.state == ReplayState.RUNNING)).one_or_none()
    if running is not None and not jobs.lives(session, REPLAYS, str(running.id)):
        _ended(running, ReplayState.STOPPED)  # its work died, or staff dropped it
        session.flush()
    elif running is not None:
        if (running.since, running.undelivered_only) != (command.since, command.undelivered_only):
            raise ReplayRunning()
        return running
    _judge_day(session, endpoint.store_id)
    begun = Replay(id=ids.new_id(), endpoint_id=endpoint.id, store_id=endpoint.store_id, since=command.since, until=now,
                   reached_at=command.since, undelivered_only=command.undelivered_only, reached_id=FIRST)
    session.add(begun)
    audit.record(session, actor, "webhook_endpoint.replayed", "webhook_endpoint", endpoint.public_id,
                 after={"since": clock.rfc3339(command.since), "undelivered_only": command.undelivered_only})
    session.flush()
    jobs.enqueue(session, REPLAYS, begun.id)
    return begun


def _judge_day(session: Session, store_id: UUID) -> None:
    """By all that was promised; one that runs may yet promise as many as one takes. Raises TooManyReplayed."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"replays/{store_id}"})
    promised = case((Replay.state == ReplayState.RUNNING, QUEUED_MAX), else_=Replay.queued)
    told = session.scalar(select(func.sum(promised)).where(
        Replay.store_id == store_id, Replay.created_at > clock.now() - DAY)) or 0
    if told >= DAY_MAX:
        raise TooManyReplayed()


def find(session: Session, actor: Actor, replay_id: str) -> Replay:
    """Raises NotFound."""
    own = queries.endpoints_visible_to(actor).with_only_columns(Endpoint.id)
    found = session.scalars(select(Replay).where(
        Replay.id == ids.parse("rpl", replay_id), Replay.endpoint_id.in_(own))).one_or_none()
    if found is None:
        raise NotFound()
    return found


def newest(session: Session, endpoint: Endpoint) -> Replay | None:
    """For an endpoint's page."""
    return session.scalars(select(Replay).where(Replay.endpoint_id == endpoint.id)
                           .order_by(Replay.id.desc()).limit(1)).one_or_none()


def forget(session: Session, jobs: Sequence[Claimed]) -> None:
    """Work of the kind `forget_replays`: those that ended before what is shown of events begins."""
    old = select(Replay.id).where(Replay.ended_at < clock.now() - queries.KEPT_FOR).order_by(Replay.ended_at)
    session.execute(delete(Replay).where(Replay.id.in_(old.limit(FORGET_MAX))))


def work(session: Session, batch: Sequence[Claimed]) -> dict[int, RetryAt]:
    """A page of each replay; one that is not through comes back at once, behind what waits already."""
    now = clock.now()
    return {job.id: RetryAt(now) for job in batch if job.reference is not None and _page(session, job.reference)}


def failed(session: Session, job: Claimed, _error: BaseException, dead: bool) -> None:
    """A replay whose work has died is over; another may begin."""
    going = locked_one(session, select(Replay).where(Replay.id == job.reference)) if dead else None
    if going is not None and going.state == ReplayState.RUNNING:
        _ended(going, ReplayState.STOPPED)


def _page(session: Session, replay_id: UUID) -> bool:
    """Returns whether there is more."""
    endpoint_id = session.scalar(select(Replay.endpoint_id).where(Replay.id == replay_id))
    # endpoint, then deliveries: as whoever sends and resends takes them
    endpoint = locked_one(session, select(Endpoint).where(Endpoint.id == endpoint_id))
    going = locked_one(session, select(Replay).where(Replay.id == replay_id))
    if endpoint is None or going is None or going.state != ReplayState.RUNNING:
        return False
    if not endpoint.active:
        return _ended(going, ReplayState.STOPPED)
    events = _events(session, going, endpoint)
    if events:
        going.reached_at, going.reached_id = events[-1].created_at, events[-1].id
        going.queued += _promise(session, going, endpoint, events)
    if len(events) < PAGE:
        return _ended(going, ReplayState.DONE)
    return going.queued < QUEUED_MAX or _ended(going, ReplayState.BOUNDED)


def _ended(going: Replay, state: ReplayState) -> bool:
    going.state, going.ended_at = state, clock.now()
    return False


def _events(session: Session, going: Replay, endpoint: Endpoint) -> Sequence[Event]:
    """The next ones, oldest first, down ix_webhook_events_store_id. A ping was meant for its one endpoint alone."""
    rows = select(Event).where(
        Event.store_id == endpoint.store_id, Event.live == endpoint.live, Event.type != PING,
        Event.created_at > clock.now() - queries.KEPT_FOR, Event.created_at <= going.until,
        tuple_(Event.created_at, Event.id) > (going.reached_at, going.reached_id))
    if endpoint.types != [ALL_TYPES]:
        rows = rows.where(Event.type.in_(endpoint.types))
    return session.scalars(rows.order_by(Event.created_at, Event.id).limit(PAGE)).all()


def _promise(session: Session, going: Replay, endpoint: Endpoint, events: Sequence[Event]) -> int:
    """Deliveries of these events, begun anew or made; returns how many."""
    now = clock.now()
    known = locked(session, select(Delivery).where(
        Delivery.event_id.in_([one.id for one in events]), Delivery.endpoint_id == endpoint.id,
        Delivery.created_at >= events[0].created_at).order_by(Delivery.id))
    again = [one for one in known if not _on_its_way(one) and not (
        going.undelivered_only and one.state == DeliveryState.DELIVERED)]
    for one in again:
        one.state, one.next_attempt_at = DeliveryState.PENDING, now
        one.begun_at, one.begun_at_attempt = now, one.attempts
    told = {one.event_id for one in known}
    made = [delivery_row(one.id, one.created_at, endpoint.id, endpoint.store_id, endpoint.live, one.type, now)
            for one in events if one.id not in told]
    session.flush()
    if made:
        session.execute(insert(Delivery), made)
    wanted = [one.id for one in again] + [row["id"] for row in made]
    partition = partition_of(endpoint.store_id, endpoint.id)
    jobs.enqueue_all(session, KIND, [(id, None, partition) for id in wanted])
    # those that waited for their next attempt are due now instead; one that is being sent is left to its sender
    session.execute(update(Job).where(
        Job.kind == KIND, Job.unique_key.in_([str(one.id) for one in again]), Job.lease.is_(None))
        .values(run_at=jobs.at_once(now), dead_at=None).execution_options(synchronize_session=False))
    return len(wanted)


def _on_its_way(delivery: Delivery) -> bool:
    """Due already: its job waits, or it is being sent this moment."""
    return delivery.state == DeliveryState.PENDING and (delivery.next_attempt_at or clock.now()) <= clock.now()
