"""The rules in force and whether there is any list, as every process remembers them for a moment."""
import threading
import time
from dataclasses import dataclass

from sqlalchemy import Engine, exists, select
from sqlalchemy.orm import Session

from portal.core.db import after_commit, engine
from portal.risk.counters import windows_of
from portal.risk.facts import By, Moment, Verdict, Window
from portal.risk.judging import Rule
from portal.risk.kinds import KINDS, window_of
from portal.risk.models import RiskEntry, RiskRule

FRESH_S = 4.0  # a change by staff is seen by every process within five seconds
RULES_MAX = 200


@dataclass(frozen=True)
class RuleBook:
    rules: tuple[Rule, ...]
    has_lists: bool

    @property
    def is_empty(self) -> bool:
        """Nothing is judged, and nothing counted."""
        return not (self.rules or self.has_lists)

    def windows(self, moment: Moment) -> list[Window]:
        """What is counted at that moment."""
        return windows_of(window_of(rule.terms) for rule in self.rules
                          if "window_s" in rule.terms and KINDS[rule.kind].judges(rule.terms, moment))

    def looks_back_by(self) -> frozenset[By]:
        """By whom a history is asked for."""
        return frozenset(By(rule.terms.get("by", By.CUSTOMER)) for rule in self.rules
                         if rule.kind in ("first_orders", "expired_share"))

    def asks(self, kind: str) -> bool:
        return any(rule.kind == kind for rule in self.rules)


_kept: dict[Engine, tuple[float, RuleBook]] = {}
_lock = threading.Lock()


def present(session: Session) -> RuleBook:
    """As of a few seconds ago at most."""
    place = engine()
    found = _kept.get(place)
    if found is not None and time.monotonic() - found[0] < FRESH_S:
        return found[1]
    begun = time.monotonic()
    book = _read(session)
    with _lock:
        _kept[place] = (begun, book)
    return book


def forget() -> None:
    """Read anew at the next look."""
    with _lock:
        _kept.clear()


def changed(session: Session) -> None:
    """This transaction changes rules or lists: this process sees it after the commit."""
    after_commit(session, forget)


def as_rule(row: RiskRule, *, shadow: bool) -> Rule:
    return Rule(row.id, row.name, row.kind, Verdict(row.verdict), row.score, shadow, row.direction, row.store_id,
                dict(row.terms))


def _read(session: Session) -> RuleBook:
    rows = session.scalars(select(RiskRule).where(RiskRule.mode.in_(("shadow", "on"))).order_by(RiskRule.created_at)
                           .limit(RULES_MAX)).all()
    listed = session.scalar(select(exists().where(RiskEntry.removed_at.is_(None))))
    return RuleBook(tuple(as_rule(row, shadow=row.mode == "shadow") for row in rows if row.kind in KINDS),
                    bool(listed))
