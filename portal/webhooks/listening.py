"""Test events to a developer's own machine: looked for over `GET /events`, signed and sent there as the desk would.

An event is written at a moment of its own but seen only when its transaction commits, so each look goes back over the
last OVERLAP and what was forwarded is remembered by id: nothing is missed, and a restart begins where the last one was.
"""
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from portal.core import clock
from portal.core.outbound import transport
from portal.core.outbound.addresses import Guard
from portal.webhooks import signature

OVERLAP = timedelta(seconds=60)  # no transaction of the desk's lives longer
TRIES_MAX = 10  # of one event, a look apart; then the next ones have their turn
# a developer's own networks: it is their machine that calls, and nobody else names the address
AT_HOME = Guard(http=True, allowed=tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))))
Look = Callable[[datetime], Iterable[dict[str, Any]]]
Say = Callable[[str], None]


@dataclass
class Place:
    """How far a listener is: everything before `reached` is done, and of the time around it these ids."""

    reached: datetime
    done: dict[str, str] = field(default_factory=dict)  # id → timestamp

    @classmethod
    def kept(cls, file: Path, of: str, begin: datetime) -> "Place":
        """Where the last run of the same listener stopped, or at `begin`. A file that cannot be read is none."""
        try:
            kept = json.loads(file.read_text())[of]
            return cls(datetime.fromisoformat(kept["reached"]), dict(kept["done"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls(begin)

    def keep(self, file: Path, of: str) -> None:
        """Written beside and put in its place, so that a kill leaves the one or the other."""
        try:
            everyone = json.loads(file.read_text())
        except (OSError, ValueError):
            everyone = {}
        everyone[of] = {"reached": self.reached.isoformat(), "done": self.done}
        beside = file.with_name(file.name + ".new")
        beside.write_text(json.dumps(everyone))
        beside.replace(file)


@dataclass
class Listener:
    look: Look  # events since a moment, in any order
    forward: str
    secret: str
    place: Place
    say: Say
    tries: dict[str, int] = field(default_factory=dict)
    unsent: bool = False  # after the last look something waits for another try

    def once(self) -> int:
        """One look and what it brings. Returns how many were taken."""
        found = sorted(self.look(self.place.reached - OVERLAP), key=lambda one: (one["timestamp"], one["id"]))
        taken, self.unsent = 0, False
        for event in (one for one in found if one["id"] not in self.place.done):
            if self._forward(event):
                taken += 1
            elif self.tries[event["id"]] < TRIES_MAX:
                self.unsent = True
                continue
            self.place.done[event["id"]] = event["timestamp"]
        if found and not self.unsent:
            self._move_on(_moment(found[-1]))
        return taken

    def _forward(self, event: dict[str, Any]) -> bool:
        body = signature.body(event["type"], _moment(event), event["data"])
        headers = signature.headers(event["id"], clock.now(), body, [self.secret])
        answer = transport.post(AT_HOME, self.forward, body, headers)
        self.tries[event["id"]] = self.tries.get(event["id"], 0) + 1
        self.say(f"{event['timestamp']} {event['type']:<20} {event['id']} → {answer.status or answer.error}")
        return answer.succeeded

    def _move_on(self, newest: datetime) -> None:
        """Ids are remembered for as long as a look still comes upon them."""
        self.place.reached = max(self.place.reached, newest)
        far = self.place.reached - OVERLAP - timedelta(milliseconds=1)  # timestamps are cut to milliseconds
        self.place.done = {id: at for id, at in self.place.done.items() if datetime.fromisoformat(at) >= far}


def _moment(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["timestamp"])
