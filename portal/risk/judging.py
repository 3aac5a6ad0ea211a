"""The verdict: every rule in force looks at the facts, the worst of what they say holds."""
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from portal.risk.facts import WORST, Facts, Verdict
from portal.risk.kinds import KINDS

REVIEW_SCORE = 100
"""Points from which an order is reviewed although no rule alone asks for it."""
LIST = "list"


@dataclass(frozen=True)
class Rule:
    """As every process remembers it. `shadow`: it is noted and decides nothing."""

    id: UUID
    name: str
    kind: str
    verdict: Verdict
    score: int
    shadow: bool
    direction: str | None
    store_id: UUID | None
    terms: dict[str, Any]

    def concerns(self, facts: Facts) -> bool:
        return (self.direction in (None, facts.direction) and self.store_id in (None, facts.store_id)
                and KINDS[self.kind].judges(self.terms, facts.moment))


@dataclass(frozen=True)
class Fired:
    """A rule, or an entry of a list, that had something to say. `beaten`: an allow entry won over it."""

    source_id: UUID
    name: str
    kind: str
    verdict: Verdict
    score: int
    shadow: bool
    what: dict[str, Any]
    beaten: bool = False

    @property
    def counts(self) -> bool:
        return not (self.shadow or self.beaten)


@dataclass(frozen=True)
class Judgement:
    verdict: Verdict
    score: int
    fired: tuple[Fired, ...]

    @property
    def names(self) -> list[str]:
        """Of what decided, for the journal."""
        return [one.name for one in self.fired if one.counts]


def judge(rules: Iterable[Rule], facts: Facts, *, pardoned: Collection[UUID] = ()) -> Judgement:
    """The worst verdict of all that fired; an allow entry wins over velocity, never over a deny entry.

    `pardoned`: rules and entries that a person has let this order pass already.
    """
    allowed = any(entry.verdict is Verdict.ALLOW for entry in facts.entries)
    fired = [Fired(entry.id, entry.shown, LIST, entry.verdict, 0, False, {"on": entry.kind})
             for entry in facts.entries]
    for rule in rules:
        kind = KINDS[rule.kind]
        if rule.concerns(facts) and (what := kind.fires(rule.terms, facts)) is not None:
            fired.append(Fired(rule.id, rule.name, rule.kind, rule.verdict, rule.score, rule.shadow, what,
                               beaten=allowed and kind.allowed))
    kept = [one for one in fired if one.source_id not in pardoned]
    counting = [one for one in kept if one.counts]
    score = sum(one.score for one in counting)
    worst = max((one.verdict for one in counting), key=WORST.__getitem__, default=Verdict.ALLOW)
    if score >= REVIEW_SCORE and worst is Verdict.ALLOW:
        worst = Verdict.REVIEW
    return Judgement(worst, score, tuple(kept))
