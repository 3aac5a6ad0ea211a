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
from portal.orders.states import Direction
from portal.reference import cache

Key = tuple[str, str, int]  # currency, method, band: of one direction
ENDED_MAX = 20
WHAT = {Direction.PAYIN: "Payins", Direction.PAYOUT: "Payouts"}
"""For the notice, which is translated as it is read."""


@dataclass
class OfBank:
    """Who could take an order at this bank now, and how many orders named it in the hour before."""

    able: int = 0
    there: int = 0
    lately: int = 0

    @property
    def falls_short(self) -> bool:
        """It was named, and nobody there could take it: no hole, for orders that name no bank may find others."""
        return self.lately > 0 and not self.able


@dataclass
class Size:
    """Orders of one band of a method: who could take one now, bank by bank, and what is asked for."""

    currency: str
    method: str
    band: int
    able: int = 0
    there: int = 0
    banks: dict[str, OfBank] = field(default_factory=dict)
    alike: int = 0  # asked for in this hour of the day over a week
    lately: int = 0
    served: int = 0

    @property
    def expected(self) -> int:
        """Orders of this hour of the day on average, rounded up."""
        return -(-self.alike // demand.DAYS)

    @property
    def is_hole(self) -> bool:
        return not self.able and (self.alike > 0 or self.lately > 0)

    @property
    def least(self) -> Money:
        return bands.begins(self.band, self.currency)

    @property
    def below(self) -> Money | None:
        return bands.ends(self.band, self.currency)


def sizes(session: Session, direction: Direction = Direction.PAYIN) -> Sequence[Size]:
    """Of every method, the smallest band first: those that somebody is there for, or that were asked for."""
    found: dict[Key, Size] = {}
    for one in supply.now(session, direction):
        key = one.currency, one.method, one.band
        size = found.setdefault(key, Size(*key))
        size.able, size.there = size.able + one.able, size.there + one.there
        if one.bank:
            size.banks[one.bank] = OfBank(one.able, one.there)
    for asked in demand.now(session, direction):
        _note(found.setdefault(_key(asked), Size(*_key(asked))), asked)
    return [found[key] for key in sorted(found)]


def watch(session: Session) -> Sequence[CoverageHole]:
    """The holes that began just now. Those that somebody covers by now, or nobody asks for, end. Harmless twice."""
    return [hole for direction in Direction for hole in _watch(session, direction)]


def _watch(session: Session, direction: Direction) -> Sequence[CoverageHole]:
    open_now = {_key(one): one for one in of_now(session, direction)}
    seen = {_key(size): size for size in sizes(session, direction) if size.is_hole}
    for key, hole in open_now.items():
        if key not in seen:
            hole.ended_at = clock.now()
    begun = [CoverageHole(direction=direction, currency=key[0], method=key[1], band=key[2],
                          expected=max(size.expected, size.lately))
             for key, size in seen.items() if key not in open_now]
    session.add_all(begun)
    session.flush()
    for hole in begun:
        notices.notify(session, "coverage.hole", notices.STAFF, once=hole.id.hex, count=hole.expected,
                       direction=str(direction), what=WHAT[direction],
                       method=cache.snapshot(session).methods[hole.method].name, least=hole.least.text + " "
                       + hole.currency)
    return begun


def of_now(session: Session, direction: Direction) -> Sequence[CoverageHole]:
    """Those that are open, the oldest first."""
    return session.scalars(select(CoverageHole).where(CoverageHole.ended_at.is_(None),
                                                      CoverageHole.direction == direction)
                           .order_by(CoverageHole.began_at)).all()


def lately(session: Session, direction: Direction, since: datetime) -> Sequence[CoverageHole]:
    """Those that are over, the newest first; a bounded number."""
    return session.scalars(select(CoverageHole).where(CoverageHole.ended_at.is_not(None),
                                                      CoverageHole.began_at >= since,
                                                      CoverageHole.direction == direction)
                           .order_by(CoverageHole.began_at.desc()).limit(ENDED_MAX)).all()


def by_method(found: Sequence[Size]) -> dict[tuple[str, str], list[Size]]:
    """As the page shows them."""
    grouped: dict[tuple[str, str], list[Size]] = defaultdict(list)
    for size in found:
        grouped[size.currency, size.method].append(size)
    return grouped


def _key(one: Asked | Size | CoverageHole) -> Key:
    return one.currency, one.method, one.band


def _note(size: Size, asked: Asked) -> None:
    size.alike, size.lately, size.served = (size.alike + asked.alike, size.lately + asked.lately,
                                            size.served + asked.served)
    if asked.bank and asked.lately:
        size.banks.setdefault(asked.bank, OfBank()).lately = asked.lately
