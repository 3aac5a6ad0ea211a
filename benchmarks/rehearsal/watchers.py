"""Who looks on during an upgrade: stores that ask after an order, payers with a page open, staff with a stream."""
import http.client
import random
import threading
import time
from collections import Counter

from benchmarks.drill.load import Load

PAUSE_S, TIMEOUT_S = 0.1, 6.0
AGAIN_S = 0.2  # a browser whose stream ended; it waits longer only if nobody answers


class Reader:
    """Asks after one of the newest orders, ten times a second; what did not end in 200."""

    def __init__(self, front: tuple[str, int], load: Load, tokens: list[str]) -> None:
        self._front, self._load, self._tokens = front, load, tokens
        self.asked, self.failed = 0, Counter[str]()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._always)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def _always(self) -> None:
        while not self._over.wait(PAUSE_S):
            if newest := list(self._load.acked)[-100:]:
                number = random.choice(newest)
                self.asked += 1
                if (answer := self._ask(number, self._load.acked[number][1])) != "200":
                    self.failed[answer] += 1

    def _ask(self, number: int, id: str) -> str:
        connection = http.client.HTTPConnection(*self._front, timeout=TIMEOUT_S)
        try:
            connection.request("GET", f"/gateway/v1/payins/{id}",
                               headers={"Authorization": f"Bearer {self._tokens[number % len(self._tokens)]}"})
            answer = connection.getresponse()
            answer.read()
            return str(answer.status)
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__
        finally:
            connection.close()


class Listener:
    """A page with an open stream: how often it was told to come back elsewhere, and how long it heard nothing."""

    def __init__(self, front: tuple[str, int], session: str) -> None:
        self._front, self._cookie = front, f"sid={session}"
        self.streams, self.deaf_s, self.refused = 0, 0.0, Counter[str]()
        self._over = threading.Event()
        self._line: http.client.HTTPConnection | None = None
        self._thread = threading.Thread(target=self._always, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        if self._line is not None and self._line.sock is not None:
            self._line.sock.close()

    def _always(self) -> None:
        lost: float | None = None
        while not self._over.is_set():
            lost = self._listen(lost) or lost or time.monotonic()
            self._over.wait(AGAIN_S)

    def _listen(self, lost: float | None) -> float | None:
        """When it was lost again; None: nobody let us in."""
        self._line = http.client.HTTPConnection(*self._front, timeout=30)
        try:
            self._line.request("GET", "/live", headers={"Cookie": self._cookie, "Accept": "text/event-stream"})
            answer = self._line.getresponse()
            if answer.status != 200:
                self.refused[str(answer.status)] += 1
                return None
            answer.readline()
            self.streams += 1
            if lost is not None:
                self.deaf_s = max(self.deaf_s, time.monotonic() - lost)
            while answer.readline():  # up to its end, which leaves the balancer's connection open
                pass
            return time.monotonic()
        except (OSError, ValueError, AttributeError, http.client.HTTPException) as error:
            self.refused[type(error).__name__] += 1
            return None
        finally:
            self._line.close()
