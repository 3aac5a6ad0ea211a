"""What a kept seal knows of every row before it, in thirty kilobytes: enough to name those that differ later.

An invertible Bloom lookup table (Goodrich and Mitzenmacher, 2011): each row's entry is added into three cells that its
own hash chooses. Taken from one another, two tables leave only the rows that stand in one of them, and these come out
one by one wherever one is alone in a cell. Decision 0231.
"""
import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from typing import Self

PARTS, WIDTH = 3, 128  # an entry stands in one cell of each part; about 300 differences come out, a changed row is two
_ENTRY, _CHECK, _COUNT = 49, 8, 8  # bytes; of the entry see seals.ENTRY
_CELL = _ENTRY + _CHECK + _COUNT


class RowSketch:
    """Cells of sums: how many entries, the entries as numbers, and their checks; each wraps around."""

    def __init__(self, entries: Iterable[bytes] = ()) -> None:
        self.counts, self.sums, self.checks = ([0] * (PARTS * WIDTH) for _ in range(3))
        self.add_all(entries)

    def add_all(self, entries: Iterable[bytes], sign: int = 1) -> None:
        """Hot: all rows there ever were, at each export."""
        counts, sums, checks = self.counts, self.sums, self.checks
        for entry in entries:
            places, check = _places(entry)
            number = int.from_bytes(entry)
            for at in places:
                counts[at] += sign
                sums[at] += sign * number
                checks[at] += sign * check

    def less(self, other: "RowSketch") -> "RowSketch":
        found = type(self)()
        found.counts, found.sums, found.checks = (
            [mine - theirs for mine, theirs in zip(ours, others, strict=True)]
            for ours, others in ((self.counts, other.counts), (self.sums, other.sums), (self.checks, other.checks)))
        return found

    def taken_apart(self) -> Iterator[tuple[bytes, int]]:
        """(entry, 1) of one that stands here and (entry, -1) of one that stands in what was taken from it, as far as
        they can be told apart: what is left over afterwards is more than fits (`rest`)."""
        waiting = list(range(PARTS * WIDTH))
        while waiting:
            at = waiting.pop()
            entry, sign = self._alone(at)
            if entry is not None:
                yield entry, sign
                self.add_all([entry], -sign)
                waiting += _places(entry)[0]

    @property
    def rest(self) -> bool:
        return any(self.counts) or any(total % _WRAPS[0] for total in self.sums)

    def _alone(self, at: int) -> tuple[bytes | None, int]:
        sign = self.counts[at]
        if sign not in (1, -1):
            return None, 0
        entry = (sign * self.sums[at] % _WRAPS[0]).to_bytes(_ENTRY)
        places, check = _places(entry)
        return (entry, sign) if at in places and check == sign * self.checks[at] % _WRAPS[1] else (None, 0)

    def text(self) -> str:
        return b64encode(b"".join(
            (total % _WRAPS[0]).to_bytes(_ENTRY) + (check % _WRAPS[1]).to_bytes(_CHECK)
            + count.to_bytes(_COUNT, signed=True)
            for total, check, count in zip(self.sums, self.checks, self.counts, strict=True))).decode()

    @classmethod
    def of(cls, text: str) -> Self:
        """Raises ValueError."""
        cells = b64decode(text, validate=True)
        if len(cells) != PARTS * WIDTH * _CELL:
            raise ValueError("no sketch of rows")
        found = cls()
        for number in range(PARTS * WIDTH):
            cell = cells[number * _CELL:(number + 1) * _CELL]
            found.sums[number] = int.from_bytes(cell[:_ENTRY])
            found.checks[number] = int.from_bytes(cell[_ENTRY:_ENTRY + _CHECK])
            found.counts[number] = int.from_bytes(cell[-_COUNT:], signed=True)
        return found


_WRAPS = (1 << 8 * _ENTRY, 1 << 8 * _CHECK)


def _places(entry: bytes) -> tuple[tuple[int, int, int], int]:
    """The cell of each part, and the entry's check."""
    hash = hashlib.sha256(entry).digest()
    return ((hash[0] % WIDTH, WIDTH + hash[1] % WIDTH, 2 * WIDTH + hash[2] % WIDTH),
            int.from_bytes(hash[8:8 + _CHECK]))
