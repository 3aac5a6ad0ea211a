"""Taking due deliveries in hand: only what is sent at once, few of any one merchant, fewer of any one endpoint."""
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.core import clock, crypto, jobs
from portal.core.db import transaction
from portal.core.jobs import Claimed, Job
from portal.parties.models import Store
from portal.webhooks.announce import KIND
from portal.webhooks.models import Delivery, Endpoint, EndpointKind, Event
from portal.webhooks.payload import Names, names, whole
from portal.webhooks.service import place

log = structlog.get_logger("webhooks")
CLAIM_MAX = 16
# in flight, over all workers: sixteen slow endpoints of one merchant, in however many stores, leave most of a pool to
# the others
MERCHANT_MAX = 6
ENDPOINT_MAX = 4  # likewise
LEASE_S = 45  # three times what a request may take
LOOKED_AT_MAX = 32  # rows of a partition, oldest first: those in flight stand there, then those to claim
LOST_BEFORE_ALONE = 2
_TURNSTILE = 0x77686B  # one claim at a time over all workers, else two see the same free places

# Partitions with live rows (a loose index scan), the oldest due rows of each, and of these what fits: first the first
# of every merchant, then the second, and within one likewise by endpoint, so that one with a thousand waiting, with
# sixteen endpoints or with ten stores, comes no earlier than another. A partition is `store/endpoint`
# (announce.partition_of).
_CLAIM = text("""
    WITH RECURSIVE partitions(partition) AS (
        (SELECT partition FROM jobs WHERE partition IS NOT NULL AND dead_at IS NULL ORDER BY partition LIMIT 1)
        UNION ALL
        SELECT (SELECT partition FROM jobs j WHERE j.partition > partitions.partition AND dead_at IS NULL
                 ORDER BY partition LIMIT 1)
        FROM partitions WHERE partitions.partition IS NOT NULL
    ), seen AS (
        SELECT due.*, stores.merchant_id AS merchant,
               count(*) FILTER (WHERE in_flight) OVER (PARTITION BY partitions.partition) AS flying,
               count(*) FILTER (WHERE in_flight) OVER (PARTITION BY stores.merchant_id) AS of_merchant,
               row_number() OVER (PARTITION BY partitions.partition, in_flight ORDER BY due.run_at, due.id) AS place
        FROM partitions JOIN stores ON stores.id = CAST(split_part(partitions.partition, '/', 1) AS uuid), LATERAL (
            SELECT id, run_at, coalesce(leased_until >= :now, false) AS in_flight
            FROM jobs WHERE jobs.partition = partitions.partition AND dead_at IS NULL AND run_at <= :now
              AND kind = :kind AND (leased_until >= :now OR lost + (leased_until IS NOT NULL)::int < :alone_from)
            ORDER BY run_at, id LIMIT :looked_at) due
        WHERE partitions.partition IS NOT NULL
    ), turns AS (
        SELECT id, run_at, place + flying AS turn,
               of_merchant + row_number() OVER (PARTITION BY merchant ORDER BY place + flying, run_at, id)
                   AS merchant_turn
        FROM seen WHERE NOT in_flight AND place + flying <= :endpoint_max
    ), chosen AS (
        SELECT id FROM turns WHERE merchant_turn <= :merchant_max ORDER BY merchant_turn, turn, run_at, id LIMIT :limit
    )
    UPDATE jobs SET lease = gen_random_uuid(), leased_until = :until, lost = lost + (leased_until IS NOT NULL)::int
    FROM chosen WHERE jobs.id = chosen.id AND run_at <= :now AND (leased_until IS NULL OR leased_until < :now)
    RETURNING jobs.id""")


@dataclass(frozen=True)
class ClaimedDelivery:
    """One delivery in hand: everything that sending it needs, so that no transaction is open meanwhile.

    Not `wanted` where the endpoint wants nothing more: nothing is sent. `told` opens the names and `keys` the secrets
    that sign, as it is sent: what does not open is a try of this delivery that failed, and of no other.
    """

    job: Claimed
    merchant_id: UUID | None  # whose share of look-ups it takes
    delivery_id: UUID
    created_at: datetime
    webhook_id: str
    url: str
    type: str
    happened_at: datetime
    told: Callable[[], dict[str, Any]] = field(repr=False)  # what is sent of the event. Raises CannotOpen
    wanted: bool
    keys: Callable[[], tuple[str, ...]] = field(repr=False)  # Raises CannotOpen
    to_inbox: bool = False


def claim(limit: int, *, alone: bool) -> list[ClaimedDelivery]:
    """Lease up to `limit` due deliveries, each on its own, in a transaction of its own.

    `alone`: when nothing else is in flight here, one whose worker died twice may have its turn.
    """
    now = clock.now()
    with transaction() as session:
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _TURNSTILE})
        claimed = session.execute(_CLAIM, {
            "now": now, "until": now + timedelta(seconds=LEASE_S), "kind": KIND, "limit": min(limit, CLAIM_MAX),
            "merchant_max": MERCHANT_MAX, "endpoint_max": ENDPOINT_MAX,
            "looked_at": LOOKED_AT_MAX, "alone_from": LOST_BEFORE_ALONE}).scalars().all()
        parcels = _load(session, claimed)
    if parcels or not alone:
        return parcels
    suspects = jobs.claim(KIND, limit=0, lease_s=LEASE_S)
    if not suspects:
        return []
    with transaction() as session:
        return _load(session, [job.id for job in suspects])


def _load(session: Session, job_ids: Sequence[int]) -> list[ClaimedDelivery]:
    if not job_ids:
        return []
    rows = session.execute(
        select(Job, Delivery, Event, Endpoint, Store.merchant_id).select_from(Job)
        .outerjoin(Delivery, Delivery.id == Job.reference)
        .outerjoin(Event, (Event.id == Delivery.event_id) & (Event.created_at == Delivery.event_created_at))
        .outerjoin(Endpoint, Endpoint.id == Delivery.endpoint_id).outerjoin(Store, Store.id == Delivery.store_id)
        .where(Job.id.in_(job_ids)).order_by(Job.run_at, Job.id).execution_options(populate_existing=True)).all()
    gone = [Claimed.of(job) for job, _, event, *_ in rows if event is None]
    for job in gone:  # its month was archived
        jobs.finish(session, [job])
    named = names(session, [event.payload for _, _, event, *_ in rows if event is not None])
    parcels = [_claimed(*row, named) for row in rows if row.Event is not None]
    session.flush()
    session.expunge_all()
    return parcels


def _claimed(job: Job, delivery: Delivery, event: Event, endpoint: Endpoint,
             merchant_id: UUID | None, named: Names) -> ClaimedDelivery:
    told = partial(whole, event.payload, named, event=event.public_id, with_link=endpoint.with_link)
    return ClaimedDelivery(
        Claimed.of(job), merchant_id, delivery.id, delivery.created_at, event.public_id, endpoint.url, event.type,
        event.created_at, told, endpoint.active, partial(_keys, endpoint), endpoint.kind == EndpointKind.INBOX)


def _keys(endpoint: Endpoint) -> tuple[str, ...]:
    sealed = [(endpoint.secret_sealed, place(endpoint.id))]
    if endpoint.previous_secret_sealed is not None and (endpoint.previous_until or clock.now()) > clock.now():
        sealed.append((endpoint.previous_secret_sealed, place(endpoint.id, previous=True)))
    try:
        return tuple(crypto.open_sealed(secret, place=where) for secret, where in sealed)
    except crypto.CannotOpen:
        log.error("secret_not_opened", endpoint=endpoint.public_id)
        raise
