"""What a process remembers of stores, because every order asks for it: terms, tariffs.

Believed for some seconds in any case, and much longer while the listener of `key_invalidation` would hear of a change.
Who changes such a row through a session has it told to every process with the commit.
"""
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from itertools import chain
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from portal.core.db import engine, reader
from portal.parties import key_invalidation

T = TypeVar("T")
FRESH_S = 4.0  # a change is seen within 5 s by a process that hears of none
HEARD_S = 60.0  # by one that listens
STORES_MAX = 10_000  # kept in a process


class Remembered(Generic[T]):
    """`read` gives the facts of one store from the database."""

    def __init__(self, read: Callable[[Session, UUID], T]) -> None:
        self._read = read
        self._kept: OrderedDict[tuple[Engine, UUID], tuple[float, int, T]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, store_id: UUID) -> T:
        now, key = time.monotonic(), (engine(), store_id)
        watch, found = key_invalidation.of(key[0]), self._kept.get(key)
        if found is not None:
            read_at, generation, facts = found
            if watch.is_listening:
                good = generation == watch.generation and now - read_at < HEARD_S
            else:
                good = now - read_at < FRESH_S
            if good:
                return facts
        generation = watch.generation  # before the look: what changes meanwhile is looked at again
        facts = self._read(reader(), store_id)
        with self._lock:
            self._kept[key] = (now, generation, facts)
            self._kept.move_to_end(key)
            while len(self._kept) > STORES_MAX:
                self._kept.popitem(last=False)
        return facts

    def forget(self) -> None:
        """Read anew at the next look."""
        with self._lock:
            self._kept.clear()


_watched: tuple[type[Any], ...] = ()


def tell_of(*tables: type[Any]) -> None:
    """A change of a row of these is told to every process, with the commit."""
    global _watched
    _watched += tables


@event.listens_for(Session, "after_flush")
def _tell(session: Session, context: object) -> None:
    if any(isinstance(row, _watched) for row in chain(session.dirty, session.new, session.deleted)):
        session.connection().execute(text(f"NOTIFY {key_invalidation.CHANNEL}"))
