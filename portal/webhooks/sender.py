"""Sending: a pool of its own threads, no transaction open during a request, one caller draining at a time.

The Huey thread that drains claims and hands over; the pool sends and writes down each delivery alone. So slow
receivers occupy the pool's threads, at most four of them for one endpoint, and never the desk's other work. When its
time is up the drain gives its thread back while the pool finishes what is in flight: within 15 s, as a stop asks.
"""
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache

import structlog
from sqlalchemy.orm import Session

from portal.core import clock, crypto, jobs, tracing
from portal.core.db import transaction
from portal.core.errors import DatabaseUnavailable
from portal.core.outbound import addresses, transport
from portal.webhooks import claims, inbox, request_preview, signature
from portal.webhooks.announce import KIND
from portal.webhooks.claims import ClaimedDelivery
from portal.webhooks.models import NAME_NOT_OPENED, SECRET_NOT_OPENED
from portal.webhooks.outcome import drop, put_off, record

log = structlog.get_logger("webhooks")
IN_FLIGHT_MAX = 16
DRAIN_FOR_S = 5.0
LOOK_AGAIN_S = 0.5
FREE_MIN, GATHER_S = 6, .02  # a claim costs as much for one as for all: few places wait a moment for more
AT_THE_DATABASE_MAX = 2  # of the pool's threads: the process has few connections, and others need them
Context = Callable[[], AbstractContextManager[object]]

_draining = threading.Lock()
_changed = threading.Event()  # a delivery ended, or somebody was woken: look again
_database = threading.BoundedSemaphore(AT_THE_DATABASE_MAX)
_counts = threading.Lock()
_in_flight = 0
_ended = 0


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(IN_FLIGHT_MAX, thread_name_prefix="webhook")


def drain(context: Context, *, for_s: float = DRAIN_FOR_S) -> int:
    """Send what is due until there is none, or the time is up. Returns how many attempts ended meanwhile.

    A second caller in the same process only makes the first look again. `context`: what a thread works in.
    """
    before = _ended
    deadline = time.monotonic() + for_s
    _changed.set()
    while _changed.is_set() and _draining.acquire(blocking=False):
        try:
            _drain(context, deadline)
        finally:
            _draining.release()
        if time.monotonic() >= deadline:
            jobs.poke(KIND)
            break
    return _ended - before


def _drain(context: Context, deadline: float) -> None:
    while time.monotonic() < deadline:
        _changed.clear()
        if IN_FLIGHT_MAX - _in_flight < FREE_MIN:
            time.sleep(GATHER_S)
        free = IN_FLIGHT_MAX - _in_flight
        parcels = claims.claim(free, alone=free == IN_FLIGHT_MAX) if free else []
        for parcel in parcels:
            _count(+1)
            _pool().submit(_deliver, context, parcel)
        if parcels:
            continue
        if _in_flight == 0:
            return
        _changed.wait(min(LOOK_AGAIN_S, max(0.0, deadline - time.monotonic())))


def _deliver(context: Context, parcel: ClaimedDelivery) -> None:
    """One delivery, from the request to its record; whatever happens, the place is free again."""
    with structlog.contextvars.bound_contextvars(
            kind=KIND, job=parcel.job.id, request_id=tracing.origin(parcel.job.request_id)):
        try:
            write_down = _try(parcel)
            with _database, context(), transaction() as session:
                write_down(session)
        except jobs.LeaseLost:
            log.warning("lease_lost")  # somebody else has sent it again; the receiver knows it by its webhook-id
        except DatabaseUnavailable:
            log.warning("database_unavailable")  # the lease runs out, then it is sent again
        except Exception:
            log.exception("webhook_failed")
        finally:
            _count(-1)
            _changed.set()


def _try(parcel: ClaimedDelivery) -> Callable[[Session], None]:
    """Returns what is to be written down of it."""
    if not parcel.wanted:
        return lambda session: drop(session, parcel)
    try:
        answer = send(parcel)
    except addresses.NoPlace:
        return lambda session: put_off(session, parcel)
    return lambda session: record(session, parcel, answer)


def send(parcel: ClaimedDelivery) -> transport.Answer:
    """One request, signed now, with the payload as of its step. An inbox is the desk's own: nothing is called.

    Nor where a name does not open, since a store is not told null of somebody who is known; nor a secret that signs.
    """
    try:
        payload = parcel.told()
    except crypto.CannotOpen:
        return transport.Answer(None, 0, NAME_NOT_OPENED)
    try:
        keys = parcel.keys()
    except crypto.CannotOpen:
        return transport.Answer(None, 0, SECRET_NOT_OPENED)
    told = signature.body(parcel.type, parcel.happened_at, payload)
    signed = signature.headers(parcel.webhook_id, clock.now(), told, keys)
    if parcel.to_inbox:
        return inbox.receive(signed, told, keys)
    with tracing.calling(KIND, parcel.job.request_id) as headers:
        signed |= headers
        answer = transport.post(addresses.guard(), parcel.url, told, signed, of=parcel.merchant_id)
        tracing.called(answer.status, answer.error)
    return replace(answer, sent_head=request_preview.head_lines(parcel.url, told, signed))


def _count(by: int) -> None:
    global _in_flight, _ended
    with _counts:
        _in_flight += by
        _ended += by < 0
