"""Asking the sources of a feed, and making one rate of what they say. No transaction is open while they are asked."""
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Context as DecimalContext
from decimal import Decimal, InvalidOperation, localcontext
from functools import cache
from statistics import median
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import clock, jobs, page_events
from portal.core.access import SYSTEM
from portal.core.db import locked, locked_one, transaction
from portal.core.errors import DatabaseUnavailable
from portal.core.jobs import Claimed
from portal.core.money import BPS
from portal.core.outbound import addresses, transport
from portal.reference.feed_models import RateFeed, RateSource
from portal.reference.models import Rate

KIND, PLAN = "fetch_rates", "plan_rate_fetches"
SOURCE = "feed"  # what a rate that was fetched names as its source
AGENT = "Quittance-Rates/1"
ANSWER_FOR_S = 8.0
LEASE_S = 60
AT_ONCE = 4  # feeds; each asks its sources at once
PLANNED_MAX = 100
DRAIN_FOR_S = 20.0
PLACES = Decimal("1e-12")  # as rates.rate keeps them
RATE_MAX = Decimal(10) ** 18
EXACT = DecimalContext(prec=60)  # no digit that a rate keeps is lost on the way
log = structlog.get_logger("rates")
Context = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True)
class Place:
    """A source to ask, as it was when its feed's turn came."""

    id: UUID
    url: str
    pointer: str
    inverted: bool


@dataclass(frozen=True)
class Said:
    """What a source answered: a value, the way its feed reads, or why there is none."""

    value: Decimal | None
    error: str | None = None


def plan(session: Session, _jobs: Sequence[Claimed]) -> None:
    """Those whose turn it is are asked, and their next turn is written down."""
    now = clock.now()
    due = locked(session, select(RateFeed).where(RateFeed.active, RateFeed.next_at <= now)
                 .order_by(RateFeed.next_at).limit(PLANNED_MAX))
    for feed in due:
        feed.next_at = now + timedelta(seconds=feed.interval_s)
    session.flush()
    jobs.enqueue_all(session, KIND, [(feed.id, None, None) for feed in due])


def drain(context: Context) -> int:
    """Ask for whatever feeds are due until there are none. Returns how many were asked."""
    done, deadline = 0, time.monotonic() + DRAIN_FOR_S
    while time.monotonic() < deadline:
        claimed = jobs.claim(KIND, limit=AT_ONCE, lease_s=LEASE_S)
        if not claimed:
            return done
        for job in claimed:
            _fetch(context, job)
        done += len(claimed)
    jobs.poke(KIND)
    return done


def _fetch(context: Context, job: Claimed) -> None:
    """One feed, from its questions to its rate; what goes wrong is tried again with its next turn."""
    with structlog.contextvars.bound_contextvars(kind=KIND, job=job.id):
        try:
            with context(), transaction() as session:
                places = _places(session, job)
            said = dict(zip([place.id for place in places], _pool().map(_ask, places), strict=True))
            with context(), transaction() as session:
                _write_down(session, job, said)
        except jobs.LeaseLost:
            log.warning("lease_lost")
        except DatabaseUnavailable:
            log.warning("database_unavailable")
        except Exception:
            log.exception("fetch_failed")
            with context(), transaction() as session:
                jobs.fail(session, job, "fetch_failed", dead=job.attempts >= 2)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(8, thread_name_prefix="rates")


def _places(session: Session, job: Claimed) -> list[Place]:
    rows = session.scalars(select(RateSource).where(RateSource.feed_id == job.reference).order_by(RateSource.id))
    return [Place(row.id, row.url, row.pointer, row.inverted) for row in rows]


def _ask(place: Place) -> Said:
    """Never raises for what the other side does."""
    try:
        answer = transport.get(addresses.guard(), place.url, agent=AGENT, of=KIND, answer_for_s=ANSWER_FOR_S)
    except addresses.NoPlace:
        return Said(None, "no_answer")
    if not answer.succeeded or answer.response is None:
        return Said(None, answer.error or (f"http_{answer.status}" if answer.status != 200 else "no_number"))
    return read(answer.response, place.pointer, inverted=place.inverted)


def read(document: str, pointer: str, *, inverted: bool = False) -> Said:
    """The number that stands at `pointer` in a JSON document of a stranger's."""
    try:
        found = json.loads(document, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number)
        for token in pointer.split("/")[1:]:
            found = _step(found, token.replace("~1", "/").replace("~0", "~"))
        if not isinstance(found, (Decimal, str)) or len(str(found)) > 60:
            return Said(None, "no_number")
        value = Decimal(found)
        if not value.is_finite() or value <= 0:
            return Said(None, "no_number")
        value = (EXACT.divide(Decimal(1), value) if inverted else value).quantize(PLACES, context=EXACT)
    except (ValueError, KeyError, IndexError, InvalidOperation, RecursionError):
        return Said(None, "no_number")
    return Said(value) if 0 < value < RATE_MAX else Said(None, "no_number")


def _step(found: object, token: str) -> object:
    """Raises KeyError, IndexError, ValueError."""
    if isinstance(found, dict):
        return found[token]
    if isinstance(found, list) and token.isascii() and token.isdecimal():
        return found[int(token)]
    raise KeyError(token)


def _no_number(constant: str) -> Decimal:
    raise ValueError(constant)


def _write_down(session: Session, job: Claimed, said: dict[UUID, Said]) -> None:
    """What was said, and the rate it makes, or why none. Raises LeaseLost."""
    feed = locked_one(session, select(RateFeed).where(RateFeed.id == job.reference))
    jobs.finish(session, [job])
    if feed is None:
        return
    now = clock.now()
    answers = {source: said[source.id] for source in feed.sources if source.id in said}
    for source, of in answers.items():
        source.error = of.error
        if of.value is not None:
            source.value, source.answered_at = of.value, now
    values = [of.value for of in answers.values() if of.value is not None]
    middle = median(values) if values else None
    kept = [value for value in values if middle is not None and not _apart(value, middle, feed.outlier_bps)]
    for source, of in answers.items():
        if of.value is not None and of.value not in kept:
            source.error = "outlier"
    feed.tried_at = now
    feed.error = _set_rate(session, feed, kept) if feed.active else None
    page_events.tell(session, "rates", ())


def _set_rate(session: Session, feed: RateFeed, kept: Sequence[Decimal]) -> str | None:
    """The median of those that agree, with the spread, unless it jumped. Returns why there is no new rate."""
    if len(kept) < feed.sources_min:
        log.warning("rate_not_fetched", pair=feed.pair, agreeing=len(kept), wanted=feed.sources_min)
        return "too_few_sources"
    with localcontext(EXACT):
        rate = (median(kept) * (BPS + feed.spread_bps) / BPS).quantize(PLACES)
    last = session.scalar(select(Rate.rate).where(Rate.base == feed.base, Rate.quote == feed.quote)
                          .order_by(Rate.at.desc(), Rate.id.desc()).limit(1))
    if last is not None and _apart(rate, last, feed.jump_bps):
        if feed.held_rate is None:
            log.error("rate_held", pair=feed.pair, rate=str(rate), last=str(last))  # alerts: orders stop as it ages
        feed.held_rate = rate
        return "jumped"
    feed.held_rate = None
    session.add(Rate(base=feed.base, quote=feed.quote, rate=rate, source=SOURCE, set_by=SYSTEM.id))
    return None


def _apart(value: Decimal, middle: Decimal, bps: int) -> bool:
    return abs(value - middle) * BPS > middle * bps
