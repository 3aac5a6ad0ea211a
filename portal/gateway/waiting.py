"""`?wait=N&version=V`: a call that is answered when its order changes, and holds no thread until then.

The view only says that it would rather wait; the server (`portal.server.waits`) throws that answer away, waits on its
event loop and asks again. Where nothing waits beneath, as behind another server, the call is answered at once.
"""
from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from flask import request
from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from portal.core.commands import Command
from portal.gateway import strict_json
from portal.gateway.auth import caller
from portal.gateway.errors import Overloaded, TooManyWaits
from portal.orders.models import Order

WAIT = "quittance.wait"  # in scope and environ
WAIT_MAX_S = 30
VERSION_MAX = 2**31 - 1
WAITING_MAX, PER_MERCHANT_MAX, PER_KEY_MAX = 256, 64, 20  # of one process


def _whole(most: int, code: str, sentence: str) -> BeforeValidator:
    def judge(sent: object) -> int:
        if isinstance(sent, str) and sent.isascii() and sent.isdigit() and len(sent) <= 10 and int(sent) <= most:
            return int(sent)
        raise PydanticCustomError(code, sentence)

    return BeforeValidator(judge)


class OrderWait(Command):
    """For how long, and until the version is another than this one; without one: than it is now."""

    wait: Annotated[int, _whole(WAIT_MAX_S, "invalid_wait", "A whole number of seconds from 0 to 30."),
                    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": WAIT_MAX_S})] = 0
    version: Annotated[int | None, _whole(VERSION_MAX, "invalid_version", "A version as an order shows it."),
                       WithJsonSchema({"type": "integer", "minimum": 0, "maximum": VERSION_MAX})] = None


class Place(NamedTuple):
    """Whose call it is that waits."""

    key_id: UUID
    merchant_id: UUID


class Rooms:
    """How many wait in this process: in all, by merchant and by key. Asked from threads and from the event loop.

    A merchant makes as many stores' keys as he likes: by them alone one could take the whole room.
    """

    def __init__(self, most: int = WAITING_MAX, per_merchant: int = PER_MERCHANT_MAX, per_key: int = PER_KEY_MAX
                 ) -> None:
        self._most, self._per_merchant, self._per_key = most, per_merchant, per_key
        self._lock, self._by_key, self._by_merchant = Lock(), Counter[UUID](), Counter[UUID]()
        self.closed = False  # the server stops: nobody waits any more

    def enter(self, place: Place) -> None:
        """Raises TooManyWaits, Overloaded."""
        with self._lock:
            if self._by_key[place.key_id] >= self._per_key or (
                    self._by_merchant[place.merchant_id] >= self._per_merchant):
                raise TooManyWaits()
            if self._by_key.total() >= self._most:
                raise Overloaded()
            self._by_key[place.key_id] += 1
            self._by_merchant[place.merchant_id] += 1

    def leave(self, place: Place) -> None:
        with self._lock:
            for counts, one in ((self._by_key, place.key_id), (self._by_merchant, place.merchant_id)):
                counts[one] -= 1
                if not counts[one]:
                    del counts[one]

    @property
    def size(self) -> int:
        return self._by_key.total()


@dataclass(eq=False)
class Wait:
    """One call that may wait; `held`: it does, and the answer that is being made is not the one that is sent."""

    rooms: Rooms
    begun: float  # by time.perf_counter
    held: bool = False
    over: bool = False  # it has waited: what comes now is the answer
    place: Place | None = None
    store_id: UUID | None = None
    order_id: UUID | None = None
    version: int = 0
    seconds: int = 0
    counted: Any = field(default=None)  # how the call was counted: it counts once


def hold(order: Order) -> None:
    """Have this call wait for the order to change, if that is asked. Raises Invalid, TooManyWaits, Overloaded."""
    asked = strict_json.query(OrderWait)
    wait: Wait | None = request.environ.get(WAIT)
    if wait is None or wait.over or not asked.wait or wait.rooms.closed:
        return
    if asked.version is not None and asked.version != order.version:
        return
    key = caller()
    assert key.id is not None
    assert key.merchant_id is not None
    place = Place(key.id, key.merchant_id)
    wait.rooms.enter(place)
    wait.place, wait.store_id, wait.order_id = place, order.store_id, order.id
    wait.version, wait.seconds, wait.held = order.version, asked.wait, True
