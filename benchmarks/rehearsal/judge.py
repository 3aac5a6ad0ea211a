"""What an upgrade under load must hold (faults 29): nobody refused, nobody kept waiting, nothing left behind."""
from collections import Counter
from dataclasses import dataclass

from benchmarks.drill.load import Try

CREATE_S_MAX = 0.5  # the worst stall
DEAF_S_MAX = 5.0


@dataclass(frozen=True)
class Outcome:
    began: float
    """The upgrade. Before it all webs were just started at once, which no upgrade does."""
    creates: list[Try]
    misread: Counter[str]
    """Reads that did not end in 200, by what they ended in."""
    deaf_s: float
    """The longest that a stream heard nothing."""
    waiting: int
    """Orders that wait to be matched afterwards."""

    @property
    def failed(self) -> list[Try]:
        return [each for each in self.creates if each.answer != "201"]

    @property
    def longest(self) -> list[Try]:
        return sorted(self._during, key=lambda each: -each.took_s)

    @property
    def failures(self) -> list[str]:
        slow = [each for each in self._during if each.took_s > CREATE_S_MAX]
        found = {"no create was tried": not self._during, f"creates that failed: {len(self.failed)}": self.failed,
                 f"creates above {CREATE_S_MAX * 1000:.0f} ms: {len(slow)}": slow,
                 f"reads that failed: {self.misread.total()}": self.misread,
                 f"a stream was silent for {self.deaf_s:.1f} s (at most {DEAF_S_MAX:.0f})": self.deaf_s > DEAF_S_MAX,
                 f"orders that wait to be matched: {self.waiting}": self.waiting}
        return [words for words, so in found.items() if so]

    @property
    def _during(self) -> list[Try]:
        return [each for each in self.creates if each.at >= self.began]
