"""What became of the orders: by what was told to the stores, and by what stands in the database."""
import time
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

import psycopg

from benchmarks.drill.load import Load
from portal.core import ids

REFUSED_S_MAX = 15.0  # operations.md: without a create, at a primary that was killed; no fault here may cost more


@dataclass(frozen=True)
class Window:
    fault: str
    began: float
    ended: float
    whole: bool
    """All nodes were well again within the patience of the drill."""
    refused_s_max: float


class Books:
    """The database, asked as the owner, wherever its primary is now."""

    def __init__(self, url: str) -> None:
        self._url = url

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self._url, target_session_attrs="read-write", connect_timeout=3) as connection:
            return connection.execute(query, values).fetchall()

    def waiting(self) -> int:
        return int(str(self.rows("SELECT count(*) FROM orders WHERE status = 'new'")[0][0]))

    def assigned(self, since: float, until: float) -> list[float]:
        found = self.rows("""
            SELECT extract(epoch FROM created_at)::float8 FROM order_events WHERE to_status = 'assigned'
               AND created_at BETWEEN to_timestamp(%s) AND to_timestamp(%s) ORDER BY 1""", since, until)
        return [float(str(at)) for (at,) in found]

    def early(self) -> dict[str, int]:
        """What a clock that jumps does to orders. Nobody pays here, and no drill lasts as long as an order."""
        ended, waiting, slots = self.rows("""
            SELECT (SELECT count(*) FROM orders WHERE status = 'expired'),
                   (SELECT count(*) FROM jobs
                     WHERE kind = 'match_order' AND run_at > now() + interval '1 minute'),
                   (SELECT count(*) FROM job_slots WHERE turned_at > now() + interval '1 minute')""")[0]
        return {"expired before their time": int(str(ended)), "to be matched later than in a minute": int(str(waiting)),
                "recurring work of the future": int(str(slots))}

    def stand(self) -> list[tuple[str, str]]:
        """(id as it is told, the store's id) of every order."""
        return [(ids.public("pin", UUID(str(id))), str(external))
                for id, external in self.rows("SELECT id, external_id FROM orders")]


@dataclass(frozen=True)
class Row:
    """One fault, and what it did to stores and payers."""

    fault: str
    acknowledged: int
    lost: int
    doubled: int
    creates_s: float
    matching_s: float
    refused: str
    whole_s: float | None
    """None: never, within the patience of the drill: somebody would have to put it right by hand."""
    refused_s_max: float = REFUSED_S_MAX

    @property
    def failures(self) -> list[str]:
        """What of operations.md does not hold, in words that begin with the row's own."""
        found = {f"lost {self.lost}": self.lost, f"doubled {self.doubled}": self.doubled,
                 f"no create for {self.creates_s:.1f} s (at most {self.refused_s_max:.0f})":
                     self.creates_s > self.refused_s_max,
                 "nothing was matched any more": self.matching_s == float("inf"),
                 "never whole again": self.whole_s is None}
        return [f"{self.fault}: {words}" for words, so in found.items() if so]

    def __str__(self) -> str:
        whole = "**never**" if self.whole_s is None else f"{self.whole_s:.0f}"
        return (f"| {self.fault} | {self.acknowledged} | {self.lost} | {self.doubled} | {self.creates_s:.1f} |"
                f" {self.matching_s:.1f} | {self.refused} | {whole} |")


HEAD = ("| fault | acknowledged | lost | doubled | no create, s | no matching, s | refused tries | whole, s |\n"
        "|---|---|---|---|---|---|---|---|")


def rows(windows: list[Window], load: Load, books: Books) -> tuple[list[Row], str, list[str]]:
    """A row for each fault; a line about all of them together, and what is wrong with that."""
    stand = books.stand()
    lost, doubled = lost_and_doubled({number: id for number, (_, id) in load.acked.items()}, stand)
    found = []
    for window in windows:
        told = {number for number, (at, _) in load.acked.items() if window.began <= at < window.ended}
        found.append(Row(
            window.fault, len(told), len(lost & told), len(doubled & told),
            creates_s=longest(load.times(window.began - 2, window.ended)),
            matching_s=longest(books.assigned(window.began - 2, window.ended)),
            refused=_words(load.answers(window.began, window.ended)),
            whole_s=window.ended - window.began if window.whole else None, refused_s_max=window.refused_s_max))
    line = (f"{load.asked} asked, {len(load.acked)} acknowledged, {len(load.given_up)} given up by the stores"
            f" after two minutes; {len(stand)} stand; lost {len(lost)}, doubled {len(doubled)}")
    return found, line, [line] if lost or doubled or load.given_up else []


def lost_and_doubled(told: dict[int, str], stand: list[tuple[str, str]]) -> tuple[set[int], set[int]]:
    """Of the orders that a store was told of: by number of the order the id that it was told, against `Books.stand`."""
    shown, times = dict(stand), Counter(external for _, external in stand)
    return ({number for number, id in told.items() if shown.get(id) != f"order-{number}"},
            {number for number in told if times[f"order-{number}"] > 1})


def longest(times: list[float]) -> float:
    """Between two of them."""
    return max((later - earlier for earlier, later in pairwise(times)), default=float("inf"))


def _words(answers: Counter[str]) -> str:
    return ", ".join(f"{count} × {answer}" for answer, count in answers.most_common()) or "0"


def now() -> float:
    return time.time()
