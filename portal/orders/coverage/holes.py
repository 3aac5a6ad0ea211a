"""Holes: sizes that are asked for at this hour and nobody could take. Found each few minutes, told, and closed."""
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import notices
from portal.core import clock
from portal.core.money import Money
from portal.orders.coverage import bands, demand, supply
from portal.orders.coverage.demand import Asked
from portal.orders.coverage.models import CoverageHole
from portal.reference import cache

Key = tuple[str, str, int]  # currency, method, band
ENDED_MAX = 20


@dataclass
class Size:
    """Orders of one band of a method: who could take one now, bank by bank, and what is asked for."""

    currency: str
    method: str
    band: int
    able: int = 0
    there: int = 0
    banks: dict[str, tuple[int, int]] = field(default_factory=dict)  # able, there
    expected: int = 0
    lately: int = 0
    served: int = 0

    @property
    def is_hole(self) -> bool:
        return not self.able and (self.expected > 0 or self.lately > 0)

    @property
    def least(self) -> Money:
        return bands.begins(self.band, self.currency)

    @property
    def below(self) -> Money | None:
        return bands.ends(self.band, self.currency)


def sizes(session: Session) -> Sequence[Size]:
    """Of every method, the smallest band first: those that somebody is there for, or that were asked for."""
    found: dict[Key, Size] = {}
    for one in supply.now(session):
        key = one.currency, one.method, one.band
        size = found.setdefault(key, Size(*key))
        size.able, size.there = size.able + one.able, size.there + one.there
        if one.bank:
            size.banks[one.bank] = (one.able, one.there)
    for asked in demand.now(session):
        _note(found.setdefault(_key(asked), Size(*_key(asked))), asked)
    return [found[key] for key in sorted(found)]


def watch(session: Session) -> Sequence[CoverageHole]:
    """The holes that began just now. Those that somebody covers by now, or nobody asks for, end. Harmless twice."""
    open_now = {(one.currency, one.method, one.band): one for one in of_now(session)}
    seen = {(size.currency, size.method, size.band): size for size in sizes(session) if size.is_hole}
    for key, hole in open_now.items():
        if key not in seen:
            hole.ended_at = clock.now()
    begun = [CoverageHole(currency=key[0], method=key[1], band=key[2], expected=max(size.expected, size.lately))
             for key, size in seen.items() if key not in open_now]
    session.add_all(begun)
    session.flush()
    for hole in begun:
        notices.notify(session, "coverage.hole", notices.STAFF, once=hole.id.hex, count=hole.expected,
                       method=cache.snapshot(session).methods[hole.method].name, least=hole.least.text + " "
                       + hole.currency)
    return begun


def of_now(session: Session) -> Sequence[CoverageHole]:
    """Those that are open, the oldest first."""
    return session.scalars(select(CoverageHole).where(CoverageHole.ended_at.is_(None))
                           .order_by(CoverageHole.began_at)).all()


def lately(session: Session, since: datetime) -> Sequence[CoverageHole]:
    """Those that are over, the newest first; a bounded number."""
    return session.scalars(select(CoverageHole).where(CoverageHole.ended_at.is_not(None),
                                                      CoverageHole.began_at >= since)
                           .order_by(CoverageHole.began_at.desc()).limit(ENDED_MAX)).all()


def by_method(found: Sequence[Size]) -> dict[tuple[str, str], list[Size]]:
    """As the page shows them."""
    grouped: dict[tuple[str, str], list[Size]] = defaultdict(list)
    for size in found:
        grouped[size.currency, size.method].append(size)
    return grouped


def _key(asked: Asked) -> Key:
    return asked.currency, asked.method, asked.band


def _note(size: Size, asked: Asked) -> None:
    size.expected, size.lately, size.served = asked.expected, asked.lately, asked.served
