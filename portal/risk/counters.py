"""Counting orders by whom they are of: small rows by the minute or the hour, never a look over history.

Counted first and read afterwards, under the rows' locks: of orders that two workers judge at once, each sees the other.
Only what a rule asks for is counted, so a desk without such rules pays nothing.
"""
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from uuid import UUID

from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from portal.core import addresses, clock
from portal.core.pipeline import Rows, array, queue
from portal.risk.facts import By, Counted, Window
from portal.risk.models import RiskCounter

FINE, COARSE = timedelta(minutes=1), timedelta(hours=1)
FINE_UP_TO_S = 3600  # windows as short are counted by the minute
KEPT = {FINE: timedelta(seconds=FINE_UP_TO_S) + 2 * FINE, COARSE: timedelta(days=31)}
SWEEP_MAX = 20_000
INSTANT = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

COUNT = """
    INSERT INTO risk_counters (key, bucket, currency, count, minor, until)
    SELECT key, bucket, currency, count, minor, until
      FROM unnest(CAST(%(keys)s AS bytea[]), CAST(%(buckets)s AS timestamptz[]), CAST(%(currencies)s AS text[]),
                  CAST(%(counts)s AS int[]), CAST(%(minors)s AS numeric[]), CAST(%(untils)s AS timestamptz[]))
           AS given (key, bucket, currency, count, minor, until)
     ORDER BY key, bucket, currency
    ON CONFLICT (key, bucket, currency) DO UPDATE
       SET count = risk_counters.count + excluded.count, minor = risk_counters.minor + excluded.minor
    RETURNING count"""
READ = """
    SELECT asked.place, c.currency, sum(c.count), sum(c.minor)
      FROM unnest((SELECT CAST(%(keys)s AS bytea[])), (SELECT CAST(%(afters)s AS timestamptz[])),
                  (SELECT CAST(%(untils)s AS timestamptz[])))
           WITH ORDINALITY AS asked (key, after, until, place)
      JOIN risk_counters c ON c.key = asked.key AND c.bucket > asked.after AND c.bucket <= asked.until
     GROUP BY asked.place, c.currency"""


@dataclass(frozen=True)
class Seen:
    """One order as it is counted. `of`: whose it is, as far as is known. `also`: by what it may have been counted while
    a key of prints changes."""

    id: UUID
    at: datetime
    currency: str
    minor: int
    of: Mapping[By, str]
    also: Mapping[By, Sequence[str]] = field(default_factory=dict)


def network_of(address: str) -> str:
    """Who sits together: /24 of IPv4, /64 of IPv6. Empty for what is no address."""
    read = addresses.read(address)
    if read is None:
        return ""
    bits = 24 if read.version == 4 else 64
    alone = read.max_prefixlen - bits
    return f"{type(read)(int(read) >> alone << alone)}/{bits}"


@dataclass
class Counting:
    """Orders that were counted, and what was read of their windows: two statements on their way."""

    seen: Sequence[Seen]
    asked: Sequence[tuple[Seen, Window]]
    places: list[int] = field(default_factory=list)  # of what was asked, for each key that was looked up
    found: Rows = field(default_factory=list)

    def counted(self) -> dict[UUID, dict[Window, Counted]]:
        """What each window held as each order came: itself and those before it. What came in the same batch after it
        is taken off again. Once the answers are there."""
        sums: dict[int, dict[str, list[int]]] = defaultdict(dict)
        for place, currency, orders, minor in self.found:
            sum_of = sums[self.places[place - 1]].setdefault(currency, [0, 0])
            sum_of[0], sum_of[1] = sum_of[0] + int(orders), sum_of[1] + int(minor)
        together: dict[tuple[By, str], list[Seen]] = defaultdict(list)
        for one in self.seen:
            for by, whose in one.of.items():
                together[by, whose].append(one)
        counted: dict[UUID, dict[Window, Counted]] = defaultdict(dict)
        for place, (one, window) in enumerate(self.asked):
            held = sums[place]
            for other in together[window.by, one.of[window.by]]:
                if (other.at, other.id) > (one.at, one.id) and bucket_of(other.at, grain_of(window)) <= one.at:
                    held[other.currency][0] -= 1
                    held[other.currency][1] -= other.minor
            counted[one.id][window] = Counted(sum(orders for orders, _ in held.values()),
                                              {currency: minor for currency, (_, minor) in held.items()})
        return counted


def count(session: Session, seen: Sequence[Seen], windows: Collection[Window]) -> dict[UUID, dict[Window, Counted]]:
    """Count each order once, and say what each window held as it came. Two statements."""
    return send(session, seen, windows).counted()


def send(session: Session, seen: Sequence[Seen], windows: Collection[Window]) -> Counting:
    """The same, within `pipeline.pipelined`: the answers are there at its end."""
    counting = Counting(seen, [(one, window) for one in seen for window in windows if window.by in one.of])
    if not counting.asked:
        return counting
    rows: dict[tuple[bytes, datetime, str, datetime], list[int]] = defaultdict(lambda: [0, 0])
    for by, grain in {(window.by, grain_of(window)) for window in windows}:
        for one in seen:
            if by in one.of:
                bucket = bucket_of(one.at, grain)
                row = rows[key_of(by, one.of[by], grain), bucket, one.currency, bucket + KEPT[grain]]
                row[0], row[1] = row[0] + 1, row[1] + one.minor
    queue(session, COUNT, {
        "keys": array(key for key, _, _, _ in rows), "buckets": array(bucket for _, bucket, _, _ in rows),
        "currencies": array(currency for _, _, currency, _ in rows), "untils": array(until for _, _, _, until in rows),
        "counts": array(count for count, _ in rows.values()), "minors": array(minor for _, minor in rows.values())})
    looked_up = [(place, key_of(w.by, whose, grain_of(w)), one, w) for place, (one, w) in enumerate(counting.asked)
                 for whose in (one.of[w.by], *one.also.get(w.by, ()))]
    counting.places = [place for place, *_ in looked_up]
    queue(session, READ, {
        "keys": array(key for _, key, _, _ in looked_up),
        "afters": array(bucket_of(one.at - w.length, grain_of(w)) - INSTANT for _, _, one, w in looked_up),
        "untils": array(one.at for _, _, one, _ in looked_up)}, counting.found.extend)
    return counting


def sweep(session: Session) -> None:
    """What no rule can ask for any more, a bounded number at a time."""
    over = (select(RiskCounter.key, RiskCounter.bucket, RiskCounter.currency).where(RiskCounter.until < clock.now())
            .order_by(RiskCounter.until).limit(SWEEP_MAX))
    session.execute(delete(RiskCounter).where(
        tuple_(RiskCounter.key, RiskCounter.bucket, RiskCounter.currency).in_(over)))


def grain_of(window: Window) -> timedelta:
    return FINE if window.seconds <= FINE_UP_TO_S else COARSE


def bucket_of(at: datetime, grain: timedelta) -> datetime:
    return at - (at - _EPOCH) % grain


@lru_cache(maxsize=4096)  # each is counted, and then read
def key_of(by: By, whose: str, grain: timedelta) -> bytes:
    """Says nothing about whose it is."""
    return blake2b(f"{by}|{int(grain.total_seconds())}|{whose}".encode(), digest_size=16).digest()


def windows_of(terms: Iterable[Window]) -> list[Window]:
    """Each once."""
    return sorted(set(terms), key=lambda window: (window.by, window.seconds))
