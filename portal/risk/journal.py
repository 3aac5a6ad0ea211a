"""What fired on which order, and what a rule has done lately."""
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from portal.core import clock, ids
from portal.core.access import Actor
from portal.risk.facts import Moment
from portal.risk.judging import Judgement
from portal.risk.models import RiskHit, RiskReview

LATELY = timedelta(days=7)
COUNT_MAX = 10_000
HITS_MAX = 100
WAITING_MAX = 1000
LATELY_OF = text("""
    SELECT asked.id, counted.* FROM unnest(CAST(:sources AS uuid[])) AS asked (id) CROSS JOIN LATERAL (
        SELECT count(*), count(*) FILTER (WHERE shadow), count(*) FILTER (WHERE created_at >= :day)
          FROM (SELECT created_at, shadow FROM risk_hits WHERE source_id = asked.id AND created_at >= :since
                 ORDER BY created_at DESC LIMIT :most) AS hits) AS counted""")


def note(session: Session, moment: Moment, judged: Mapping[UUID, Judgement]) -> None:
    """By order: all that fired, shadows too; nothing is written for who nobody had anything to say about."""
    now = clock.now()
    rows = [{"id": ids.new_id(), "created_at": now, "order_id": order_id, "source_id": one.source_id,
             "moment": str(moment), "name": one.name, "kind": one.kind, "verdict": str(one.verdict),
             "score": one.score, "shadow": one.shadow, "beaten": one.beaten, "what": one.what}
            for order_id, judgement in judged.items() for one in judgement.fired]
    if rows:
        session.execute(insert(RiskHit), rows)


def of(session: Session, order_id: UUID) -> Sequence[RiskHit]:
    """Of one order, oldest first."""
    return session.scalars(select(RiskHit).where(RiskHit.order_id == order_id)
                           .order_by(RiskHit.created_at, RiskHit.id).limit(HITS_MAX)).all()


def of_orders(session: Session, order_ids: Collection[UUID]) -> dict[UUID, list[RiskHit]]:
    """Of those in a queue, what decided."""
    found: dict[UUID, list[RiskHit]] = {id: [] for id in order_ids}
    for hit in session.scalars(select(RiskHit).where(
            RiskHit.order_id.in_(list(order_ids)), RiskHit.shadow.is_(False), RiskHit.beaten.is_(False))
            .order_by(RiskHit.created_at, RiskHit.id)):
        found[hit.order_id].append(hit)
    return found


def review_of(session: Session, order_id: UUID) -> RiskReview | None:
    return session.get(RiskReview, order_id)


def open_review(session: Session, order_id: UUID, score: int) -> None:
    """The order waits for a person from now on."""
    session.add(RiskReview(order_id=order_id, score=score))


def end_review(session: Session, actor: Actor, order_id: UUID, decision: str, reason: str | None) -> None:
    """A person decided (`release`, `refuse`), or the order was called off meanwhile (`ended`)."""
    review = session.get(RiskReview, order_id, populate_existing=True)
    if review is None:
        return
    review.decision, review.reason = decision, reason
    review.decided_at, review.decided_name = clock.now(), actor.name


def waiting_count(session: Session) -> int:
    """Orders that wait for a person, to WAITING_MAX: the queue's index alone."""
    some = select(RiskReview.order_id).where(RiskReview.decided_at.is_(None)).limit(WAITING_MAX).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def pardoned(session: Session, order_id: UUID) -> frozenset[UUID]:
    """Rules and entries that a person has let this order pass."""
    review = review_of(session, order_id)
    if review is None or review.decision != "release":
        return frozenset()
    return frozenset(session.scalars(select(RiskHit.source_id).where(
        RiskHit.order_id == order_id, RiskHit.created_at <= review.decided_at)))


@dataclass(frozen=True)
class Lately:
    """How often a rule fired in the last days, of which in the shadow; `capped`: or oftener still."""

    fired: int = 0
    shadow: int = 0
    day: int = 0

    @property
    def capped(self) -> bool:
        return self.fired >= COUNT_MAX


def lately(session: Session, sources: Collection[UUID]) -> dict[UUID, Lately]:
    """By rule or entry, each counted up to COUNT_MAX along its index."""
    now = clock.now()
    return {id: Lately(*counts) for id, *counts in session.execute(LATELY_OF, {
        "sources": list(sources), "since": now - LATELY, "day": now - timedelta(days=1), "most": COUNT_MAX})}


def last_of(session: Session, source: UUID, *, limit: int = 50) -> Sequence[RiskHit]:
    """What a rule fired on last, newest first."""
    return session.scalars(select(RiskHit).where(RiskHit.source_id == source)
                           .order_by(RiskHit.created_at.desc()).limit(limit)).all()
