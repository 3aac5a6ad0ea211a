"""How many connections the desk holds open, and who has to go when one more comes.

A connection that waits for a request costs its neighbours nothing until there is no room; then the one that has
waited longest is ended. Nobody has more than a share, counted by address: a crowd of idle ones ends its own.
"""
from collections import Counter
from typing import Protocol

from portal.settings import CONNECTIONS_MAX, PER_ADDRESS_MAX

TO_BE_TOLD_MAX = 100  # beyond all room: they are heard out for the path, and told in its words
KEEP_ALIVE_S = 75.0  # longer than proxies keep theirs: it is they who let go
SHORT_OF_ROOM_S = ((0.75, 5.0), (0.5, 15.0))  # from which part of the room on it is shorter


class Guest(Protocol):
    """A connection."""

    network: str

    def end(self) -> None: ...


class Room:
    """Of one process; all of it on its event loop."""

    def __init__(self, most: int = CONNECTIONS_MAX, per_address: int = PER_ADDRESS_MAX) -> None:
        self.most, self.per_address = most, per_address
        self.closing = False  # the process was asked to stop
        self._here, self._open = 0, Counter[str]()  # in all, and by address
        self._beyond: set[Guest] = set()  # those that found no room, until they have been told
        self._waiting: dict[Guest, None] = {}  # for a request; who has waited longest stands first

    def enter(self, guest: Guest) -> bool:
        """Whether there is room, made if need be. Whoever entered leaves, with or without room."""
        network = guest.network
        if network and self._open[network] >= self.per_address:
            fits = self._end_one(network)
        else:
            fits = self._here < self.most or self._end_one()
        if fits:
            self._here += 1
            self._open[network] += 1
        else:
            self._beyond.add(guest)
        return fits

    def has_no_ear(self) -> bool:
        """There are so many beyond the room that the next is not even told in its own words."""
        return len(self._beyond) > TO_BE_TOLD_MAX

    def leave(self, guest: Guest) -> None:
        self._waiting.pop(guest, None)
        if guest in self._beyond:
            self._beyond.remove(guest)
        else:
            self._here -= 1
            self._open[guest.network] -= 1
            if not self._open[guest.network]:
                del self._open[guest.network]

    def waits(self, guest: Guest) -> None:
        self._waiting[guest] = None

    def is_at_work(self, guest: Guest) -> None:
        self._waiting.pop(guest, None)

    def keep_alive_s(self) -> float:
        """How long a connection may wait for its next request."""
        return next((patience_s for part, patience_s in SHORT_OF_ROOM_S if self._here >= part * self.most),
                    KEEP_ALIVE_S)

    def _end_one(self, network: str | None = None) -> bool:
        longest = next((guest for guest in self._waiting if network in (None, guest.network)), None)
        if longest is None:
            return False
        del self._waiting[longest]
        longest.end()
        return True
