"""What became of the orders: by what was told to the stores, and by what stands in the database."""
import time
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

import psycopg

from benchmarks.drill.load import Load
from portal.core import ids


@dataclass(frozen=True)
class Window:
    fault: str
    began: float
    ended: float
    whole: bool
    """All nodes were well again within the patience of the drill."""


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

    def early(self) -> str:
        """What a clock that jumps does to orders. Nobody pays here, and no drill lasts as long as an order."""
        ended, waiting = self.rows("""
            SELECT (SELECT count(*) FROM orders WHERE status = 'expired'),
                   (SELECT count(*) FROM jobs
                     WHERE kind = 'match_order' AND run_at > now() + interval '1 minute')""")[0]
        slots = self.rows("SELECT count(*) FROM job_slots WHERE turned_at > now() + interval '1 minute'")[0][0]
        return (f"expired before their time: {ended}; to be matched later than in a minute: {waiting}; recurring work"
                f" of the future: {slots}")

    def stand(self) -> list[tuple[str, str]]:
        """(id as it is told, the store's id) of every order."""
        return [(ids.public("pin", UUID(str(id))), str(external))
                for id, external in self.rows("SELECT id, external_id FROM orders")]


def table(windows: list[Window], load: Load, books: Books) -> tuple[str, bool]:
    """Markdown, and whether nothing was lost or doubled."""
    stand = books.stand()
    shown, times = dict(stand), Counter(external for _, external in stand)
    lost = {number for number, (_, id) in load.acked.items() if shown.get(id) != f"order-{number}"}
    doubled = {number for number in load.acked if times[f"order-{number}"] > 1}
    lines = ["| fault | acknowledged | lost | doubled | no create, s | no matching, s | refused tries | whole, s |",
             "|---|---|---|---|---|---|---|---|"]
    for window in windows:
        told = [number for number, (at, _) in load.acked.items() if window.began <= at < window.ended]
        creates = longest(load.times(window.began - 2, window.ended))
        matching = longest(books.assigned(window.began - 2, window.ended))
        lines.append(
            f"| {window.fault} | {len(told)} | {len(lost & set(told))} | {len(doubled & set(told))} | {creates:.1f} |"
            f" {matching:.1f} | {_words(load.answers(window.began, window.ended))} |"
            f" {f'{window.ended - window.began:.0f}' if window.whole else '**never**'} |")
    lines.append(f"\n{load.asked} asked, {len(load.acked)} acknowledged, {len(load.given_up)} given up by the stores"
                 f" after two minutes; {len(stand)} stand; lost {len(lost)}, doubled {len(doubled)}")
    return "\n".join(lines), not lost and not doubled and not load.given_up


def longest(times: list[float]) -> float:
    """Between two of them."""
    return max((later - earlier for earlier, later in pairwise(times)), default=float("inf"))


def _words(answers: Counter[str]) -> str:
    return ", ".join(f"{count} × {answer}" for answer, count in answers.most_common()) or "0"


def now() -> float:
    return time.time()
