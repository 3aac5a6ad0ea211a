"""What the state machines share: how steps are chosen and tried, where they live, what is proved after each."""
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from inspect import signature
from random import Random
from typing import Any, ClassVar, TypeVar

import psycopg
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from portal.core.errors import PortalError
from portal.ledger import verify

T = TypeVar("T")
STEPS = 50
DAYS_ON_ONE_GROUND = 20  # what is proved grows with what lies there; a new ground takes as long as a day


def tried(act: Callable[[], T]) -> T | None:
    """What the desk refuses, it refuses whole: what that was is proved after the step."""
    with suppress(PortalError):
        return act()
    return None


@dataclass
class Ground:
    """A database of their own, made anew after some days, and the proof of its books.

    Every check of `ledger verify` is asked after each step: balances follow from postings, none is below its bound,
    every hold has an owner, the parts of what is settled come to the whole. Prepared once, all take two milliseconds;
    planning them each time took fifty.
    """

    url: str
    renew: Callable[[], None]
    seen: Counter[str] = field(default_factory=Counter)
    _days: int = 0
    _line: psycopg.Connection[Any] | None = None

    def new_day(self) -> None:
        if self._days and self._days % DAYS_ON_ONE_GROUND == 0:
            self.seen += self.count()
            self.close()
            self.renew()
        self._days += 1

    def proved(self) -> None:
        line = self._connection()
        with line.pipeline():
            asked = [line.execute(check.differing, prepare=True) for check in verify.all_checks()]
        differing = {check.name: rows for check, found in zip(verify.all_checks(), asked, strict=True)
                     if (rows := found.fetchall())}
        assert not differing, differing

    def count(self) -> Counter[str]:
        """What was done here: entries by kind, steps of orders by action."""
        return Counter(dict(self._connection().execute(
            "SELECT kind, count(*) FROM journal_entries GROUP BY 1 UNION ALL"
            " SELECT action, count(*) FROM order_events WHERE action IS NOT NULL GROUP BY 1").fetchall()))

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _connection(self) -> psycopg.Connection[Any]:
        if self._line is None:
            self._line = psycopg.connect(self.url, autocommit=True)
        return self._line


class Machine(RuleBasedStateMachine):
    """A day of steps, one after the other. `weights`: the methods that are steps, and how often each comes; `values`:
    what their arguments are drawn from, by name.

    All rules of hypothesis come as often, and half of them not at all: few of such days settled an order.
    """

    ground: ClassVar[Ground]
    weights: ClassVar[Mapping[str, int]]
    values: ClassVar[Mapping[str, Callable[[Random], Any]]]

    @initialize()
    def begin(self) -> None:
        self.ground.new_day()
        self.arrive()

    @rule(dice=st.randoms(use_true_random=False))
    def step(self, dice: Random) -> None:
        said = self.one_step(dice)
        note(said)

    @invariant()
    def everything_adds_up(self) -> None:
        self.ground.proved()

    def arrive(self) -> None:
        """Who there is, and what they have, when the day begins."""
        raise NotImplementedError

    def one_step(self, dice: Random) -> str:
        name = dice.choice([step for step, weight in self.weights.items() for _ in range(weight)])
        asked = {word: self.values[word](dice) for word in signature(getattr(self, name)).parameters}
        getattr(self, name)(**asked)
        return f"{name}({', '.join(f'{word}={value!r}' for word, value in asked.items())})"


def one_day(day: Machine, seed: int, steps: int, *, then: Callable[[], object] = lambda: None) -> None:
    """Always the same. `then`: looked at after each step, beside what is proved."""
    dice = Random(seed)
    day.begin()
    for _ in range(steps):
        day.one_step(dice)
        day.everything_adds_up()
        then()


def live(machine: type[Machine], days: int) -> None:
    """So many days of fifty steps; one on which the books do not hold is told as short as it can be."""
    logging.disable(logging.INFO)
    try:
        run_state_machine_as_test(machine, settings=settings(
            max_examples=days, stateful_step_count=STEPS, deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]))
    finally:
        logging.disable(logging.NOTSET)
