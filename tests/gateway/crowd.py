"""Many at once."""
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

R = TypeVar("R")


def at_the_same_time(count: int, act: Callable[[int], R]) -> list[R]:
    """What `act` returned to each of `count` threads that began together."""
    ready = threading.Barrier(count)

    def one(number: int) -> R:
        ready.wait(30)
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))
