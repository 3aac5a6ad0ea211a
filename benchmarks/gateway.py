"""What the gateway's doors cost: a create by key, by a token in its place, and signed; get and list with a million
orders behind them.

Creates are the same requests in turn, by `wrk`, put together beforehand: what it costs to sign is the client's, what it
costs to verify is measured. Reads are asked one after the other over one connection, of a desk with a long history and
of one with a short one, so that what grows with history is seen.
"""
import base64
import hashlib
import hmac
import http.client
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import select, text

from benchmarks import people
from benchmarks.create import STORES, WARM_S, load
from benchmarks.desk import Desk, application, desk
from benchmarks.ground import Ground, at
from benchmarks.matching import filled
from benchmarks.result import Result, ratio, thrown_away

SCRIPT = Path(__file__).parent / "prepared.lua"
PER_S_MAX = 6_000  # twice what a desk takes in on two cores: so many are prepared
PAYINS = "/gateway/v1/payins"
REQUISITES, ORDERS, ORDERS_QUICK = 10_000, (10_000, 1_000_000), (1_000, 10_000)
TIMES, TIMES_QUICK = 100, 10  # each read, in each round; its first is a warm-up
KEYS = 20  # of one store: a hundred reads a second each is what a key may do
LIST_MS_MAX = 200  # as of a page (G10)


@dataclass(frozen=True)
class Caller:
    """A store's key, what its calls may be signed with, and a token that stands for it meanwhile."""

    token: str
    secret: str
    access: str = ""


def measure(ground: Ground) -> list[Result]:
    return [*_creates(ground), *_reads(ground)]


def _creates(ground: Ground) -> list[Result]:
    """Rounds in turn: by key, by token, by key and signed."""
    if shutil.which("wrk") is None:
        return [Result.missing(name, "wrk is not installed: apt-get install wrk") for name in ("GW1", "GW2")]
    with ground.database() as database:
        with application(ground, database):
            callers = _callers(people.shops(STORES).tokens)
        with ground.superuser(database) as connection:
            connection.execute("ANALYZE")
        with desk(ground, database, "web") as running:
            rounds = [_round(ground, database, running, callers) for _ in range(ground.rounds)]
    return _judged_creates(rounds)


def _callers(tokens: Sequence[str]) -> list[Caller]:
    from portal.core.access import SYSTEM
    from portal.core.db import transaction
    from portal.parties import key_signing
    from portal.parties.commands import MakeSigningSecret
    from portal.parties.models import ApiKey

    with transaction() as session:
        ids = dict(session.execute(select(ApiKey.public_id, ApiKey.id)).tuples().all())
        return [Caller(token, key_signing.make_secret(
            session, SYSTEM, MakeSigningSecret(key_id=ids[token.split("_")[2]], seen=0))[1]) for token in tokens]


def _round(ground: Ground, database: str, running: Desk, callers: Sequence[Caller]) -> dict[str, dict[str, float]]:
    callers = [Caller(one.token, one.secret, _access_of(running, one)) for one in callers]  # of this quarter of an hour
    ways: dict[str, Callable[[Caller, str, bytes], str]] = {"key": _by_key, "token": _by_token, "signed": _signed}
    ground.settle(database)
    _load(ground, running, callers, _by_key, WARM_S)
    return {name: _load(ground, running, callers, way, ground.round_s) for name, way in ways.items()}


def _access_of(running: Desk, caller: Caller) -> str:
    """By client credentials, as a store's system has it."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    whose = base64.b64encode(f"{caller.token.split('_')[2]}:{caller.token}".encode()).decode()
    connection.request("POST", "/gateway/v1/token", "grant_type=client_credentials", {
        "Authorization": f"Basic {whose}", "Content-Type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    told = json.load(answer)
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"no token: {told}")
    return str(told["access_token"])


def _load(ground: Ground, running: Desk, callers: Sequence[Caller], way: Callable[[Caller, str, bytes], str],
          seconds: int) -> dict[str, float]:
    prepared = ground.servers.home.folder / f"requests-{os.getpid()}"
    prepared.write_bytes(b"\0".join(_requests(running.port, callers, way, PER_S_MAX * seconds)))
    try:
        return load(running, prepared, seconds=seconds, script=SCRIPT)
    finally:
        prepared.unlink()


def _requests(port: int, callers: Sequence[Caller], way: Callable[[Caller, str, bytes], str], count: int
              ) -> Iterator[bytes]:
    """As benchmarks/create.lua writes them, each with headers of its way."""
    run = os.urandom(5).hex()
    for n in range(count):
        body = (f'{{"external_id":"g-{run}-{n}","amount":"{500 + n % 4000}.00","currency":"RUB","method":"card",'
                f'"customer":{{"id":"c-{n % 5000}"}},"description":"Two books",'
                f'"return_url":"https://shop.example/thanks","metadata":{{"cart":"{n}"}}}}').encode()
        key = f"bench-{run}-{n}"
        yield (f"POST {PAYINS} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{way(callers[n % len(callers)], key, body)}"
               f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
               ).encode() + body


def _by_key(caller: Caller, key: str, body: bytes) -> str:
    return f"Authorization: Bearer {caller.token}\r\n"


def _by_token(caller: Caller, key: str, body: bytes) -> str:
    return f"Authorization: Bearer {caller.access}\r\n"


def _signed(caller: Caller, key: str, body: bytes) -> str:
    """As docs/gateway.md shows it."""
    at_s = f"{time.time():.3f}"
    told = "\n".join(["v1", at_s, "POST", PAYINS, key, hashlib.sha256(body).hexdigest()])
    signature = hmac.new(caller.secret.encode(), told.encode(), hashlib.sha256).hexdigest()
    return _by_key(caller, key, body) + f"Quittance-Timestamp: {at_s}\r\nQuittance-Signature: v1={signature}\r\n"


def _judged_creates(rounds: list[dict[str, dict[str, float]]]) -> list[Result]:
    per_s = {way: median(one[way]["per_s"] for one in rounds) for way in rounds[0]}
    spoiled = thrown_away([one["key"]["per_s"] for one in rounds])
    note = ", ".join(f"by {way} {figure:.0f}/s, p99 {median(one[way]['p99_ms'] for one in rounds):.1f} ms"
                     for way, figure in per_s.items())
    return [Result(name, f"gateway create {words}, share of the same by key", ratio(
        rounds, lambda one, way=way: one[way]["per_s"], lambda one: one["key"]["per_s"]), ">=", gate, goal, "share",
        note=note if way == "token" else "", rounds=rounds, spoiled=spoiled)
        for name, way, words, gate, goal in (("GW1", "token", "by an access token", .80, .95),
                                             ("GW2", "signed", "by key and signed", .70, .90))]


def _reads(ground: Ground) -> list[Result]:
    """Every read of both desks in turn, in each round."""
    with ExitStack() as stack:
        sides = []
        for orders in ORDERS_QUICK if ground.quick else ORDERS:
            database = stack.enter_context(ground.database(filled(ground, REQUISITES, orders=orders)))
            with application(ground, database):
                tokens, paths = _keys(), _paths()
            sides.append((stack.enter_context(desk(ground, database, "web")), tokens, paths))
        rounds = []
        for _ in range(ground.rounds):
            took: list[dict[str, list[float]]] = [{}, {}]
            for name in sides[0][2]:
                for (running, tokens, paths), kept in zip(sides, took, strict=True):
                    kept[name] = _asked(running, tokens, paths[name], TIMES_QUICK if ground.quick else TIMES)
            rounds.append(took)
    return _judged_reads(rounds, (ORDERS_QUICK if ground.quick else ORDERS)[-1])


def _keys() -> list[str]:
    """Of the store with the most orders."""
    from portal.core.access import SYSTEM
    from portal.core.db import transaction
    from portal.parties import keys
    from portal.parties.commands import CreateKey

    with transaction() as session:
        store = session.execute(text(BUSIEST)).scalar_one()
        return [keys.create(session, SYSTEM, CreateKey(store_id=store, live=True, name=f"Reads {number}",
                                                       scopes=("orders:read", "balance:read")))[1]
                for number in range(KEYS)]


BUSIEST = "SELECT store_id FROM (SELECT store_id FROM orders LIMIT 5000) o GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"


def _paths() -> dict[str, list[str]]:
    """By what is asked: addresses in turn."""
    from portal.core import ids, paging
    from portal.core.clock import rfc3339
    from portal.core.db import reader

    rows = reader().execute(text(f"""
        SELECT id, created_at, external_id, customer_id FROM orders WHERE store_id = ({BUSIEST})
         ORDER BY created_at DESC OFFSET 200 LIMIT 2000""")).all()
    reader().rollback()
    named, old = [ids.public("pin", row.id) for row in rows], rows[-1]
    cursor, day = paging.cursor_of(old.created_at, old.id), rfc3339(old.created_at)
    return {
        "get": [f"{PAYINS}/{id}" for id in named[::20]],
        "list": [f"{PAYINS}?limit=100"],
        "list from a cursor": [f"{PAYINS}?limit=100&cursor={cursor}"],
        "list of a time": [f"{PAYINS}?limit=100&created_to={day}"],
        "list of steps since": [f"{PAYINS}?limit=100&updated_from={day}"],
        "list by a rare status": [f"{PAYINS}?limit=100&status=retrying"],
        "list by a status": [f"{PAYINS}?limit=100&status=failed"],
        "list by external_id": [f"{PAYINS}?external_id={row.external_id}" for row in rows[::20]],
        "list by customer_id": [f"{PAYINS}?customer_id={row.customer_id}" for row in rows[::20]],
        "list by ids": [f"{PAYINS}?limit=100&ids={','.join(named[:100])}"],
        "balance": ["/gateway/v1/balance"],
        "statement": ["/gateway/v1/balance/entries?limit=100"],
    }


def _asked(running: Desk, tokens: Sequence[str], paths: Sequence[str], times: int) -> list[float]:
    """Milliseconds of each, sorted."""
    connection, took = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60), []
    for number in range(times + 1):
        started = time.perf_counter()
        path = paths[number % len(paths)]
        connection.request("GET", path, headers={"Authorization": f"Bearer {tokens[number % len(tokens)]}"})
        answer = connection.getresponse()
        answer.read()
        took.append((time.perf_counter() - started) * 1000)
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status}; see {running.log}")
    connection.close()
    return sorted(took[1:])


def _judged_reads(rounds: list[list[dict[str, list[float]]]], orders: int) -> list[Result]:
    def p95(name: str, side: int = 1) -> float:
        return median(at(one[side][name], 95) for one in rounds)

    lists = sorted((name for name in rounds[0][1] if name != "get"), key=p95, reverse=True)
    grew = ratio(rounds, lambda one: at(one[1]["get"], 50), lambda one: at(one[0]["get"], 50))
    shown = "; ".join(f"{name} {p95(name):.1f} ({p95(name, 0):.1f} with few)" for name in ["get", *lists])
    kept: Any = [[{name: [round(at(took, 50), 2), round(at(took, 95), 2)] for name, took in side.items()}
                  for side in one] for one in rounds]
    return [
        Result("GW3", f"a payin by its id, {orders:,} orders behind, p95", p95("get"), "<=", 20, 5, "ms",
               note=f"over HTTP, one after the other, p95 in ms: {shown}", rounds=kept),
        Result("GW4", f"lists of payins and the statement, {orders:,} orders behind: the slowest's p95", p95(lists[0]),
               "<=", LIST_MS_MAX, LIST_MS_MAX / 4, "ms"),
        Result("GW5", "a payin by its id, p50 against a short history", grew, "<=", 1.5, 1.1, "times")]
