"""The one place where tests let time pass: until something is so, or as a stranger outside who is slow on purpose."""
import threading
import time
from collections.abc import Callable

AGAIN_S = 0.02
_never = threading.Event()


def until(condition: Callable[[], object], within_s: float) -> bool:
    """Whether it becomes so in time. No guess at how long a thing takes."""
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            return False
        _never.wait(AGAIN_S)
    return True


def dawdle(seconds: float) -> None:
    """A receiver, a name server, a shop's pace: what the desk has to live with. A claim never rests on it."""
    _never.wait(seconds)
