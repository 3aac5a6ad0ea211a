"""Orders that come in at a steady pace whatever becomes of the servers, and a judge of what became of the orders."""
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from portal.core import ids
from tests.tasks.caller import Answer, Caller
from tests.tasks.record import Record


class Load:
    """So many new orders a second, each asked for once."""

    def __init__(self, caller: Caller, a_second: float) -> None:
        self.caller, self.asked = caller, 0
        self.answers: list[tuple[float, int, Answer]] = []
        self._pause_s = 1 / a_second
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._clock = threading.Thread(target=self._tick)
        self._clock.start()

    def end(self) -> None:
        """Those under way are waited for."""
        self._over.set()
        self._clock.join()
        for thread in self._threads:
            thread.join()

    def again(self) -> None:
        """As a store's system would: every order that was not taken, with its key."""
        for number in {*range(self.asked)} - self.acked.keys():
            self._ask(number)
        assert len(self.acked) == self.asked

    @property
    def acked(self) -> dict[int, str]:
        """The id that was told, by the number of the order."""
        return {number: answer.json["id"] for _, number, answer in tuple(self.answers) if answer.status == 201}

    def taken_since(self, moment: float) -> int:
        return sum(at > moment and answer.status == 201 for at, _, answer in tuple(self.answers))

    def refused_since(self, moment: float) -> list[tuple[float, Answer]]:
        return [(at, answer) for at, _, answer in tuple(self.answers) if at > moment and answer.status != 201]

    def _tick(self) -> None:
        while not self._over.wait(self._pause_s):
            self._threads.append(threading.Thread(target=self._ask, args=(self.asked,)))
            self.asked += 1
            self._threads[-1].start()

    def _ask(self, number: int) -> None:
        answer = self.caller.payin(number)
        self.answers.append((time.monotonic(), number, answer))


@contextmanager
def under_load(caller: Caller, a_second: float) -> Iterator[Load]:
    """A load that ends with the block, whatever happens in it."""
    load = Load(caller, a_second)
    try:
        yield load
    finally:
        load.end()


def stand_once(record: Record, asked: int, acked: Mapping[int, str]) -> list[UUID]:
    """What was acknowledged stands, under the id that was told, once; and nothing else does. The orders."""
    rows = dict(record.one("SELECT array_agg(ARRAY[id::text, external_id]) FROM orders"))
    shown = {ids.public("pin", UUID(id)): external for id, external in rows.items()}
    lost = [number for number, told in acked.items() if shown.get(told) != f"order-{number}"]
    doubled = [external for external, times in Counter(rows.values()).items() if times > 1]
    print(f"asked {asked}, acknowledged {len(acked)}, stand {len(rows)};"  # noqa: T201
          f" lost {len(lost)}, doubled {len(doubled)}")
    assert (lost, doubled) == ([], [])
    assert len(acked) == asked == len(rows)
    return [UUID(id) for id in rows]
