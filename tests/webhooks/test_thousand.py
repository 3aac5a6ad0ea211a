"""A thousand events to fifty endpoints, by processes of the Procfile: one of them hangs, or the worker is killed."""
import json
import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from threading import Event

import psycopg
import pytest
from flask import Flask
from standardwebhooks import Webhook

from tests.running import wait_for
from tests.webhooks.conftest import Shop, open_shop
from tests.webhooks.receiver import Received, Receiver, listening
from tests.webhooks.test_killed import all_delivered, desk_of, leases_run_out

MERCHANTS, STORES, EVENTS = 10, 5, 20  # of each merchant; of each store, which has one endpoint
COUNT = MERCHANTS * STORES * EVENTS
FIRST_WITHIN_S = 5
KILLS = 20
WITHIN_S = 300

pytestmark = [pytest.mark.slow, pytest.mark.timeout(WITHIN_S * 2)]


@dataclass(frozen=True)
class Address:
    """An endpoint: what its path ends in, whose it is, and the secret that its store was told."""

    name: str
    shop: Shop
    secret: str


def fifty(receiver: Receiver) -> list[Address]:
    made = []
    for merchant in range(MERCHANTS):
        of: list[Shop] = []
        for store in range(STORES):
            of.append(open_shop(merchant_id=of[0].store.merchant_id if of else None))
            name = f"{merchant}-{store}"
            made.append(Address(name, of[-1], of[-1].endpoint(f"{receiver.url}?{name}")[1]))
    return made


def tell(addresses: list[Address]) -> None:
    """Everybody's first, then everybody's second, …: as steps of many stores' orders come."""
    for _ in range(EVENTS):
        for address in addresses:
            address.shop.tell()


def name_of(one: Received) -> str:
    return one.path.rpartition("?")[2]


def check_signatures(received: list[Received], addresses: list[Address]) -> None:
    """Every one, by a library that is not ours, with the secret of the endpoint that it came to."""
    foreign = {address.name: Webhook(address.secret) for address in addresses}
    for one in received:
        foreign[name_of(one)].verify(one.body, one.headers)


def test_one_that_hangs_makes_nobody_else_wait(fresh_app: Flask, fresh_database: str, tmp_path: Path) -> None:
    over = Event()

    def answer(one: Received) -> tuple[int, dict[str, str], bytes]:
        if name_of(one) == "0-0":
            over.wait(WITHIN_S)
        return 200, {}, b""

    def others() -> list[Received]:
        return [one for one in list(receiver.received) if name_of(one) != "0-0"]

    with listening(answer) as receiver, desk_of(fresh_database, tmp_path):
        addresses = fifty(receiver)
        addresses[-1].shop.tell()
        wait_for(lambda: receiver.received, "the worker has begun")
        receiver.received.clear()
        try:
            tell(addresses)
            wait_for(lambda: len(others()) >= COUNT - EVENTS, "everybody else has heard everything", WITHIN_S)
            hung = receiver.at_once
        finally:
            over.set()
    assert hung, "it did hang meanwhile"
    assert len({one.headers["webhook-id"] for one in others()}) == len(others()) == COUNT - EVENTS
    check_signatures(receiver.received, addresses)
    everybody = p95([waited(one) for one in others()])
    neighbours = p95([waited(one) for one in others() if name_of(one).startswith("0-")])  # its merchant's other stores
    busy = f"{everybody:.1f} s, its neighbours {neighbours:.1f} s, at a load of {os.getloadavg()[0]:.0f}"
    assert everybody <= FIRST_WITHIN_S, busy
    assert neighbours <= FIRST_WITHIN_S, busy


def waited(one: Received) -> float:
    """Seconds from the event to its first attempt."""
    return one.at - datetime.fromisoformat(json.loads(one.body)["timestamp"]).timestamp()


def p95(seconds: list[float]) -> float:
    return quantiles(seconds, n=20)[-1]


def test_a_worker_killed_twenty_times_loses_nothing(fresh_app: Flask, fresh_database: str,
                                                    url_of: Callable[[str, str], str], tmp_path: Path) -> None:
    owner = url_of(fresh_database, "owner")
    with listening() as receiver:
        addresses = fifty(receiver)
        tell(addresses)
        with desk_of(fresh_database, tmp_path) as desk:
            for kill in range(1, KILLS + 1):
                some = COUNT * kill // (KILLS + 1)
                wait_for(lambda some=some: len(receiver.received) >= some, "it is at work")  # type: ignore[misc]
                desk.kill("worker")
                leases_run_out(owner)
                desk.start("worker")
            wait_for(all_delivered(owner, COUNT), "everything is delivered", WITHIN_S)
    check_signatures(receiver.received, addresses)
    heard: dict[tuple[str, str], set[bytes]] = defaultdict(set)
    for one in receiver.received:
        heard[name_of(one), one.headers["webhook-id"]].add(one.body)
    assert all(len(bodies) == 1 for bodies in heard.values()), "what came twice was the same message"
    assert {webhook_id for _, webhook_id in heard} == events(owner)
    assert len(heard) == COUNT, "each event under one id, and at its own endpoint"


def events(owner: str) -> set[str]:
    """Ids of all that was to be told, as receivers see them."""
    from portal.core import ids

    with psycopg.connect(owner) as connection:
        return {ids.public("evt", id) for (id,) in connection.execute("SELECT id FROM webhook_events")}
