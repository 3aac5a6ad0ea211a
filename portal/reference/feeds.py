"""How staff keep the feeds of rates: which pair, how often, from where, how far a rate may move by itself."""
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, StringConstraints, field_validator
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.core import audit, clock, ids, jobs, typed_amounts
from portal.core.access import Actor, Permission
from portal.core.commands import Command
from portal.core.db import locked_one
from portal.core.errors import Conflict, Denied, FieldError, Invalid, NotFound, Rejected, judges
from portal.core.outbound import addresses
from portal.reference import fetching, service
from portal.reference.commands import CurrencyCode, SetRate
from portal.reference.feed_models import RateFeed, RateSource

SOURCES_MAX = 5
FEEDS_MAX = 100
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Percent = Annotated[Decimal, Field(ge=0, le=100, decimal_places=2)]


class FeedTaken(Conflict):
    """This pair has a feed already: change that one."""

    code = "feed_taken"


class SourceTaken(Conflict):
    """The feed asks this place already."""

    code = "source_taken"


class NothingHeld(Rejected):
    """No rate of this feed waits any more."""

    code = "nothing_held"


judges({"uq_rate_feeds_pair": FeedTaken, "uq_rate_sources_place": SourceTaken})


class FeedTerms(Command):
    """Percents as people write them: a spread of 1.5 makes one unit of base 1.5 percent dearer."""

    interval_s: Annotated[int, Field(ge=10, le=86_400)]
    spread_percent: Annotated[Decimal, Field(ge=-20, le=20, decimal_places=2)] = Decimal(0)
    outlier_percent: Percent = Decimal(5)
    jump_percent: Percent = Decimal(10)
    sources_min: Annotated[int, Field(ge=1, le=SOURCES_MAX)] = 1
    reason: Reason

    @field_validator("spread_percent", "outlier_percent", "jump_percent", mode="before")
    @classmethod
    def _as_typed(cls, value: object) -> object:
        return typed_amounts.number(value) if isinstance(value, str) else value

    @property
    def columns(self) -> dict[str, int]:
        return {"interval_s": self.interval_s, "spread_bps": int(self.spread_percent * 100),
                "outlier_bps": int(self.outlier_percent * 100), "jump_bps": int(self.jump_percent * 100),
                "sources_min": self.sources_min}


class AddFeed(FeedTerms):
    base: CurrencyCode
    quote: CurrencyCode


class SetFeed(FeedTerms):
    feed_id: str


class AddSource(Command):
    """`pointer` as in RFC 6901: `/data/0/price`."""

    feed_id: str
    url: Annotated[str, StringConstraints(min_length=1, max_length=2048)]
    pointer: Annotated[str, StringConstraints(max_length=300, pattern=r"^(/[^/]*)*$")] = ""
    inverted: bool = False


class ActOnFeed(Command):
    """Switching it on or off, taking a source away."""

    feed_id: str


class LetThrough(ActOnFeed):
    reason: Reason


def all_feeds(session: Session) -> Sequence[RateFeed]:
    """By pair, with their sources: two queries."""
    return session.scalars(select(RateFeed).order_by(RateFeed.base, RateFeed.quote).limit(FEEDS_MAX)).all()


def one(session: Session, feed_id: str) -> RateFeed:
    """Raises NotFound."""
    return _feed(session.get(RateFeed, ids.parse("fed", feed_id)))


def add(session: Session, actor: Actor, command: AddFeed) -> RateFeed:
    """It asks nobody yet: its sources come next. Raises Denied, Invalid, NotFound, FeedTaken."""
    _check(actor)
    service.check_pair(session, command.base, command.quote)
    if (session.scalar(select(func.count()).select_from(RateFeed)) or 0) >= FEEDS_MAX:
        raise Invalid(fields=[FieldError("/base", "too_many", "The desk keeps %(most)s feeds at most.",
                                         {"most": FEEDS_MAX})])
    feed = RateFeed(base=command.base, quote=command.quote, **command.columns)
    session.add(feed)
    session.flush()
    _record(session, actor, "rate_feed.added", feed, after=command.columns, reason=command.reason)
    return feed


def change(session: Session, actor: Actor, command: SetFeed) -> RateFeed:
    """Raises Denied, NotFound."""
    feed = _lock(session, actor, command.feed_id)
    before = {name: getattr(feed, name) for name in command.columns}
    for name, value in command.columns.items():
        setattr(feed, name, value)
    feed.next_at = clock.now()
    session.flush()
    _record(session, actor, "rate_feed.changed", feed, before=before, after=command.columns, reason=command.reason)
    return feed


def switch(session: Session, actor: Actor, command: ActOnFeed) -> RateFeed:
    """Off: the last rate stays and ages. On: asked at once. Raises Denied, NotFound."""
    feed = _lock(session, actor, command.feed_id)
    feed.active, feed.next_at = not feed.active, clock.now()
    session.flush()
    _record(session, actor, "rate_feed.switched", feed, before={"active": not feed.active},
            after={"active": feed.active})
    return feed


def add_source(session: Session, actor: Actor, command: AddSource) -> RateFeed:
    """Judged by its grammar now, by where its name leads when it is asked, which is soon.

    Raises Denied, NotFound, Invalid (an address the desk does not call, too many sources), SourceTaken.
    """
    feed = _lock(session, actor, command.feed_id)
    try:
        addresses.guard().check(command.url)
    except addresses.Refused as error:
        raise Invalid(fields=[FieldError("/url", error.code, error.message)]) from None
    if len(feed.sources) >= SOURCES_MAX:
        raise Invalid(fields=[FieldError("/url", "too_many", "A feed has %(most)s sources at most.",
                                         {"most": SOURCES_MAX})])
    feed.sources.append(RateSource(feed_id=feed.id, url=command.url, pointer=command.pointer,
                                   inverted=command.inverted))
    session.flush()
    _record(session, actor, "rate_feed.source_added", feed, after={
        "url": command.url, "pointer": command.pointer, "inverted": command.inverted})
    ask_now(session, feed)
    return feed


def remove_source(session: Session, actor: Actor, command: ActOnFeed, source_id: str) -> RateFeed:
    """Raises Denied, NotFound."""
    feed = _lock(session, actor, command.feed_id)
    wanted = ids.parse("src", source_id)
    source = next((source for source in feed.sources if source.id == wanted), None)
    if source is None:
        raise NotFound()
    session.delete(source)
    session.flush()
    _record(session, actor, "rate_feed.source_removed", feed, before={"url": source.url, "pointer": source.pointer})
    session.expire(feed, ["sources"])
    return feed


def let_through(session: Session, actor: Actor, command: LetThrough) -> RateFeed:
    """The held rate counts after all, as one set by its feed now. Raises Denied, NotFound, NothingHeld."""
    feed = _lock(session, actor, command.feed_id)
    if feed.held_rate is None:
        raise NothingHeld()
    service.set_rate(session, actor, SetRate(base=feed.base, quote=feed.quote, rate=format(feed.held_rate, "f"),
                                             source=fetching.SOURCE, force=True, reason=command.reason))
    feed.held_rate, feed.error = None, None
    session.flush()
    return feed


def ask_now(session: Session, feed: RateFeed) -> None:
    """Its sources are asked as soon as a worker is free, not in this transaction."""
    jobs.enqueue(session, fetching.KIND, feed.id)


def _lock(session: Session, actor: Actor, feed_id: str) -> RateFeed:
    _check(actor)
    return _feed(locked_one(session, select(RateFeed).where(RateFeed.id == ids.parse("fed", feed_id))))


def _feed(found: RateFeed | None) -> RateFeed:
    if found is None:
        raise NotFound()
    return found


def _check(actor: Actor) -> None:
    if not actor.may(Permission.REFERENCE_MANAGE):
        raise Denied()


def _record(session: Session, actor: Actor, action: str, feed: RateFeed, **told: Any) -> None:
    audit.record(session, actor, action, "rate", f"{feed.base}-{feed.quote}", **told)
