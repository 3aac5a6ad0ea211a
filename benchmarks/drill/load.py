"""Stores that create payins through the balancer and try each again, under its key, until somebody has said yes."""
import http.client
import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

AT_ONCE_MAX = 300
AGAIN_AFTER_S, TRY_FOR_S, TIMEOUT_S = 0.3, 120.0, 6.0


@dataclass(frozen=True)
class Try:
    at: float
    took_s: float
    answer: str
    """201, or what else came: a status with its code, or the name of an error."""


class Load:
    def __init__(self, host: str, port: int, tokens: list[str], a_second: float) -> None:
        self._host, self._port, self._tokens, self._pause = host, port, tokens, 1 / a_second
        self.asked = 0
        self.acked = dict[int, tuple[float, str]]()
        """When, and the id that was told, by number of the order."""
        self.tries = list[Try]()
        self.given_up = list[int]()
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(AT_ONCE_MAX)
        self._clock = threading.Thread(target=self._tick)
        self._clock.start()

    def end(self) -> None:
        """No new ones; those under way are tried to their end."""
        self._over.set()
        self._clock.join()
        self._pool.shutdown()

    def answers(self, since: float, until: float) -> Counter[str]:
        return Counter(each.answer for each in tuple(self.tries) if since <= each.at < until and each.answer != "201")

    def times(self, since: float, until: float) -> list[float]:
        return sorted(at for at, _ in tuple(self.acked.values()) if since <= at < until)

    def _tick(self) -> None:
        due = time.monotonic()
        while not self._over.wait(max(0.0, due - time.monotonic())):
            self._pool.submit(self._order, self.asked)
            self.asked += 1
            due += self._pause

    def _order(self, number: int) -> None:
        until = time.monotonic() + TRY_FOR_S
        while time.monotonic() < until:
            if self._tried(number):
                return
            time.sleep(AGAIN_AFTER_S)
        self.given_up.append(number)

    def _tried(self, number: int) -> bool:
        at = time.time()
        try:
            status, body = self._ask(number)
        except (OSError, http.client.HTTPException) as error:
            self.tries.append(Try(at, time.time() - at, type(error).__name__))
            return False
        if status == 201:
            self.acked[number] = time.time(), json.loads(body)["id"]
        try:
            code = "" if status == 201 else f" {json.loads(body)['code']}"
        except (ValueError, KeyError):
            code = " without a problem document"
        self.tries.append(Try(at, time.time() - at, f"{status}{code}"))
        return status == 201

    def _ask(self, number: int) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", "/gateway/v1/payins", json.dumps({
                "external_id": f"order-{number}", "amount": f"{1000 + number % 3000}.00", "currency": "RUB",
                "method": "card"}), {"Authorization": f"Bearer {self._tokens[number % len(self._tokens)]}",
                                     "Content-Type": "application/json", "Idempotency-Key": f"key-{number}"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
