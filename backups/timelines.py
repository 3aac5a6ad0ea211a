"""Which way through the log of a chain a restore goes: a promotion forks it, and what an old leader wrote beyond the
fork is led on by nobody."""
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HISTORY = ".history"  # of a timeline: the ones it came from, and where each was left
PARTIAL = ".partial"  # of the segment that was being written
SEGMENT_CHARS = 24  # timeline, and two numbers of a place in the log
SEGMENT_BYTES = 16 * 1024 * 1024
OWN = "current"  # to PostgreSQL: the timeline that the copy was taken from


def place(lsn: str) -> int:
    """In bytes, of a place as PostgreSQL writes it: 0/1A2B3C."""
    high, low = lsn.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def number(segment: str) -> int:
    """Its place in the log, whatever the timeline: two numbers of eight hexadecimal digits, the second to 256."""
    return int(segment[8:16], 16) * 256 + int(segment[16:SEGMENT_CHARS], 16)


def segment(timeline: int, at: int) -> str:
    """The one that holds this byte."""
    return f"{timeline:08X}{at // SEGMENT_BYTES // 256:08X}{at // SEGMENT_BYTES % 256:08X}"


@dataclass(frozen=True)
class Way:
    """`target` is PostgreSQL's recovery_target_timeline; `begins` the number of the first segment of each timeline on
    the way, oldest first."""

    target: str
    begins: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, first_segment: str, whole_at: int, histories: dict[int, str]) -> "Way":
        """To the newest timeline that left the copy's own not before the place at which the copy was whole. Not
        PostgreSQL's `latest`: where the newest left before it, that ends the restore."""
        own = int(first_segment[:8], 16)
        for newest in sorted(histories, reverse=True):
            left = _left(histories[newest])
            if newest > own and left.get(own, -1) >= whole_at:
                older = [timeline for timeline in sorted(left) if timeline >= own]
                followed = zip([*older[1:], newest], [left[timeline] for timeline in older], strict=True)
                return cls(str(newest), ((own, 0), *((timeline, at // SEGMENT_BYTES) for timeline, at in followed)))
        return cls(OWN, ((own, 0),))

    def without_a_gap(self, first_segment: str, kept: Iterable[Path]) -> list[Path]:
        """Of these segments the ones that are played, one after the other; after half a one nothing is."""
        there = {path.name: path for path in kept}
        led: list[Path] = []
        for at in range(number(first_segment), number(first_segment) + len(there)):
            name = segment([timeline for timeline, begin in self.begins if begin <= at][-1], at * SEGMENT_BYTES)
            found = there.get(name, there.get(name + PARTIAL))
            if found is None:
                break
            led.append(found)
            if found.suffix == PARTIAL:
                break
        return led


def _left(history: str) -> dict[int, int]:
    """Of the timelines that this one came from: where each was left."""
    lines = [line.split() for line in history.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return {int(line[0]): place(line[1]) for line in lines}
