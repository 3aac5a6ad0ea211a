"""What a new version changes: bands of amounts before and after it, for each method and currency that it reaches.

A band is a stretch of amounts that one version prices; which of several does is decided as for an order
(`rules.most_specific`). Pure reckoning over versions that are given: no orders, no database.
"""
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from typing import Literal, NamedTuple
from uuid import UUID

from portal.core.money import MINOR_MAX
from portal.tariffs.rules import Rule

Change = Literal["added", "removed", "changed", "same"]
Edges = tuple[int, int]


@dataclass(frozen=True)
class Band:
    """Amounts from `from_minor` to `to_minor`, both inclusive, of one method and currency; None: any other than those
    that have versions of their own. `before` and `after`: what prices it; None: nothing does.

    `change`: "changed" has the ends that it had; "added" is cut out of a wider one, or was not priced; "removed" goes
    into a wider one; "same" is priced as before.
    """

    method: str | None
    currency: str | None
    from_minor: int
    to_minor: int
    before: Rule | None
    after: Rule | None
    change: Change

    @property
    def opens_at(self) -> int | None:
        return self.from_minor or None

    @property
    def ends_at(self) -> int | None:
        return None if self.to_minor == MINOR_MAX else self.to_minor


class Changes(NamedTuple):
    """`methods` and `currencies`: those that "any other" leaves out."""

    bands: list[Band]
    methods: list[str]
    currencies: list[str]


def changes(rules: Sequence[Rule], asked: Rule) -> Changes:
    """By method, currency and amount, of each method and currency for which `asked` prices anything.

    `rules`: the versions of its owner that count when it begins, the newest first. One alike ends with it.
    """
    kept = [rule for rule in rules if rule.direction == asked.direction]
    after = [asked, *(rule for rule in kept if _orders_of(rule) != _orders_of(asked))]
    methods = _named(asked.method, [rule.method for rule in after])
    currencies = _named(asked.currency, [rule.currency for rule in after])
    found = list[Band]()
    for method, currency in product(methods, currencies):
        stretches = _stretches(_fitting(kept, method, currency), _fitting(after, method, currency))
        if any(one.after is asked for one in stretches):
            found += _bands(method, currency, stretches)
    return Changes(found, [one for one in methods if one is not None], [one for one in currencies if one is not None])


def _named(asked: str | None, others: Iterable[str | None]) -> list[str | None]:
    """What the version names; or all that other versions name, and then the rest."""
    return [asked] if asked is not None else [*sorted({one for one in others if one is not None}), None]


def _orders_of(rule: Rule) -> tuple[object, ...]:
    return rule.direction, rule.method, rule.currency, rule.from_minor, rule.to_minor


def _fitting(rules: Iterable[Rule], method: str | None, currency: str | None) -> list[Rule]:
    return [rule for rule in rules if rule.method in (None, method) and rule.currency in (None, currency)]


class _Stretch(NamedTuple):
    """Between two neighbouring ends of versions."""

    from_minor: int
    to_minor: int
    before: Rule | None
    after: Rule | None


def _ends(rule: Rule) -> Edges:
    return rule.from_minor or 0, MINOR_MAX if rule.to_minor is None else rule.to_minor


def _stretches(before: Sequence[Rule], after: Sequence[Rule]) -> list[_Stretch]:
    ends = [_ends(rule) for rule in (*before, *after)]
    starts = sorted({0, *(least for least, _ in ends), *(most + 1 for _, most in ends if most < MINOR_MAX)})
    return [_Stretch(start, following - 1, _pricing(before, start), _pricing(after, start))
            for start, following in zip(starts, [*starts[1:], MINOR_MAX + 1], strict=True)]


def _pricing(rules: Sequence[Rule], minor: int) -> Rule | None:
    covering = [rule for rule in rules if _ends(rule)[0] <= minor <= _ends(rule)[1]]
    return min(covering, key=lambda rule: rule.breadth, default=None)


def _bands(method: str | None, currency: str | None, stretches: Sequence[_Stretch]) -> list[Band]:
    """Neighbours that the same versions price are one."""
    were, become = (_runs([(one.from_minor, one.to_minor, _id(getattr(one, side))) for one in stretches])
                    for side in ("before", "after"))
    found = []
    for _, run in groupby(stretches, key=lambda one: (_id(one.before), _id(one.after))):
        parts = list(run)
        first, least, most = parts[0], parts[0].from_minor, parts[-1].to_minor
        if first.before is None and first.after is None:
            continue
        found.append(Band(method, currency, least, most, first.before, first.after,
                          _change(first, _around(were, least), _around(become, least))))
    return found


def _change(one: _Stretch, was: Edges, becomes: Edges) -> Change:
    if _id(one.before) == _id(one.after):
        return "same"
    if one.before is None:
        return "added"
    if was == becomes:
        return "same" if _price(one.before) == _price(one.after) else "changed"
    return "removed" if becomes[0] <= was[0] and was[1] <= becomes[1] else "added"


def _runs(stretches: Iterable[tuple[int, int, UUID | None]]) -> list[Edges]:
    """From where to where one version prices without a gap."""
    runs = []
    for _, run in groupby(stretches, key=lambda one: one[2]):
        parts = list(run)
        runs.append((parts[0][0], parts[-1][1]))
    return runs


def _around(runs: Iterable[Edges], minor: int) -> Edges:
    return next(run for run in runs if run[0] <= minor <= run[1])


def _price(rule: Rule | None) -> tuple[int, int] | None:
    return None if rule is None else (rule.bps, rule.fixed_minor)


def _id(rule: Rule | None) -> UUID | None:
    return None if rule is None else rule.id
