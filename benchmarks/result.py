"""One figure against its gate and its goal, and what it was made of."""
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

DIFFER_MAX = .40  # of pgbench's own rounds; above it the machine was busy with something else


@dataclass
class Result:
    """`value` must stand `sense` (>= or <=) to `gate`; `goal` is what to aim at. None: it was not measured."""

    gate_name: str
    what: str
    value: float | None
    sense: str
    gate: float
    goal: float
    unit: str
    note: str = ""
    rounds: Any = field(default_factory=list)
    spoiled: bool = False

    @classmethod
    def missing(cls, name: str, why: str) -> "Result":
        return cls(name, why, None, ">=", 0, 0, "")

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not run"
        if self.spoiled:
            return "thrown away"
        if self._holds(self.goal):
            return "goal"
        return "pass" if self._holds(self.gate) else "FAIL"

    def _holds(self, bound: float) -> bool:
        assert self.value is not None
        return self.value >= bound if self.sense == ">=" else self.value <= bound

    def shown(self, number: float | None) -> str:
        if number is None:
            return "–"
        match self.unit:
            case "share":
                return f"{number:.0%}"
            case "times":
                return f"{number:.3g}×"
        return f"{number:,.4g} {self.unit}" if abs(number) < 1000 else f"{number:,.0f} {self.unit}"

    def kept(self) -> dict[str, Any]:
        return {**asdict(self), "verdict": self.verdict}


def ratio(rounds: Sequence[Any], ours: Callable[[Any], float], theirs: Callable[[Any], float]) -> float:
    """The median of each round's own ratio: a machine that is slower for a while is so for both sides of a round."""
    return median(ours(one) / theirs(one) for one in rounds)


def thrown_away(rounds: Sequence[float]) -> bool:
    """Whether pgbench's own rounds say that the machine was not ours."""
    return max(rounds) > min(rounds) * (1 + DIFFER_MAX)
