"""What a process remembers of stores, because every order asks for it: terms, tariffs.

Believed for some seconds in any case, and much longer while the listener of `key_invalidation` would hear of a change.
Who changes such a row through a session has it told to every process with the commit. What is in use is read anew
before its time is over (`grows_old`, `renew`), so that no order waits for it.
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

from portal.core.db import engine, may_read, reader
from portal.core.replica import at_primary
from portal.parties import key_invalidation

T = TypeVar("T")
Key = tuple[Engine, UUID]
FRESH_S = 4.0  # a change is seen within 5 s by a process that hears of none
HEARD_S = 600.0  # by one that listens
RENEWED_S = 30.0  # of what is in use there: a row that somebody changed past every session is seen by then
STORES_MAX = 10_000  # kept in a process
RENEWED_MAX = 500  # read anew at once
_all: list["Remembered[Any]"] = []


class Remembered(Generic[T]):
    """`read` gives the facts of one store from the database."""

    def __init__(self, read: Callable[[Session, UUID], T]) -> None:
        self._read = read
        self._kept: OrderedDict[Key, tuple[float, int, T]] = OrderedDict()
        self._due = set[Key]()
        self._lock = threading.Lock()
        _all.append(self)

    def of(self, store_id: UUID) -> T:
        now, key = time.monotonic(), (engine(), store_id)
        watch, found = key_invalidation.of(key[0]), self._kept.get(key)
        if found is not None:
            read_at, generation, facts = found
            if watch.is_listening:
                good = generation == watch.generation and now - read_at < HEARD_S
            else:
                good = now - read_at < FRESH_S
            due = now - read_at > (RENEWED_S if watch.is_listening else FRESH_S / 2)
            if good and not (due and may_read()):
                if due:
                    self._due.add(key)
                return facts
        return self._look_up(key)

    def _look_up(self, key: Key) -> T:
        # both before: what changes meanwhile is looked at again
        now, generation = time.monotonic(), key_invalidation.of(key[0]).generation
        with at_primary(reader(), key[0]) as session:  # a page's standby may be behind, and be believed for minutes
            facts = self._read(session, key[1])
        with self._lock:
            self._kept[key] = (now, generation, facts)
            self._kept.move_to_end(key)
            while len(self._kept) > STORES_MAX:
                self._kept.popitem(last=False)
        return facts

    def grows_old(self) -> bool:
        """Whether something that is in use is due."""
        return bool(self._due)

    def renew(self) -> None:
        """Read anew what is due of this application's database."""
        for key in [key for key in list(self._due) if key[0] is engine()][:RENEWED_MAX]:
            self._due.discard(key)  # one that cannot be read keeps nobody else's from it
            self._look_up(key)

    def forget(self) -> None:
        """Read anew at the next look."""
        with self._lock:
            self._kept.clear()
            self._due.clear()


def grows_old() -> bool:
    """Whether it is time for `renew`: for who may not read himself."""
    return any(one.grows_old() for one in _all)


def renew() -> None:
    """Read anew what is in use and will soon be too old, so that nobody who asks for it waits."""
    for one in _all:
        one.renew()


_watched: tuple[type[Any], ...] = ()


def tell_of(*tables: type[Any]) -> None:
    """A change of a row of these is told to every process, with the commit."""
    global _watched
    _watched += tables


@event.listens_for(Session, "after_flush")
def _tell(session: Session, context: object) -> None:
    if any(isinstance(row, _watched) for row in chain(session.dirty, session.new, session.deleted)):
        session.connection().execute(text(f"NOTIFY {key_invalidation.CHANNEL}"))
