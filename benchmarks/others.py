"""G7, G8: against LNbits and django-hordak, each run in turn with the desk on the same PostgreSQL.

LNbits takes an invoice in and pays one between two of its wallets, both over HTTP; the desk takes a payin in over HTTP
and settles one in process, where both of its settlements are measured. django-hordak posts in process the entry that a
settlement of the desk posts; the desk's settlement does all its other work as well.
"""
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks import lnbits_server, people, settling
from benchmarks.create import STORES, WARM_S, load
from benchmarks.desk import application, desk
from benchmarks.ground import Ground
from benchmarks.lnbits_rounds import LnbitsRounds
from benchmarks.result import Result, ratio

HORDAK = ("django-hordak==2.0.0", "psycopg[binary]==3.3.9")
POSTS = Path(__file__).with_name("hordak_posts.py")


def measure(ground: Ground) -> list[Result]:
    if shutil.which("wrk") is None:
        return [Result.missing(name, "wrk is not installed: apt-get install wrk") for name in ("G7a", "G7b", "G8")]
    home = ground.servers.home.folder
    hordak, lnbits = (_venv(home / f"others-{name}", packages) for name, packages in
                      (("hordak", HORDAK), ("lnbits", lnbits_server.PACKAGES)))
    rounds = []
    with _creates(ground) as create, _settles(ground) as settle, lnbits_server.lnbits(ground, lnbits) as server:
        theirs = LnbitsRounds(ground, server)
        theirs.create(seconds=WARM_S)
        for _ in range(ground.rounds):
            rounds.append({"lnbits_create": theirs.create(seconds=ground.round_s), "create": create(),
                           "lnbits_pay": theirs.pay(seconds=ground.round_s), "settle": settle(),
                           **{f"hordak_{name}": rate for name, rate in _hordak(ground, hordak).items()}})
    return _judged(rounds)


def _judged(rounds: list[dict[str, float]]) -> list[Result]:
    each = {name: median(one[name] for one in rounds) for name in rounds[0]}
    create, settle, entry = each["create"], each["settle"], each["hordak_entry"]

    def times(ours: str, theirs: str) -> float:
        return ratio(rounds, lambda one: one[ours], lambda one: one[theirs])

    return [
        Result("G7a", "gateway create against invoices of LNbits", times("create", "lnbits_create"), ">=", 15, 40,
               "times", rounds=rounds, note=f"a second, over HTTP, 32 connections: payins {create:.0f}, invoices of"
                                            f" LNbits {each['lnbits_create']:.0f}"),
        Result("G7b", "settling through Python against payments of LNbits", times("settle", "lnbits_pay"), ">=", 30, 75,
               "times", note=f"a second: settled orders {settle:.0f}, in process; payments between wallets of LNbits"
                             f" {each['lnbits_pay']:.0f}, over HTTP, 32 connections, {lnbits_server.WALLETS} wallets"),
        Result("G8", "settling through Python against the same entry in django-hordak",
               times("settle", "hordak_entry"), ">=", 5, 10, "times",
               note=f"a second: settled orders {settle:.0f} (with events, jobs and what the store is told), entries of"
                    f" four legs in hordak {entry:.0f}; its transfers of two legs, the least it posts,"
                    f" {each['hordak_two']:.0f}: {times('settle', 'hordak_two'):.3g}×")]


@contextmanager
def _creates(ground: Ground) -> Iterator[Callable[[], float]]:
    """A round of creates through the desk's web, as G1 measures them; payins a second."""
    tokens = ground.servers.home.folder / f"tokens-{os.getpid()}"
    with ground.database() as database:
        with application(ground, database):
            tokens.write_text("\n".join(people.shops(STORES).tokens), "ascii")
        with ground.superuser(database) as connection:
            connection.execute("ANALYZE")
        try:
            with desk(ground, database, "web") as running:
                def round_() -> float:
                    load(running, tokens, seconds=WARM_S)  # as in `create`: while others worked it forgot the keys
                    return load(running, tokens, seconds=ground.round_s)["per_s"]

                yield round_
        finally:
            tokens.unlink()


@contextmanager
def _settles(ground: Ground) -> Iterator[Callable[[], float]]:
    """A round of settlements in this process, as G5 measures them over many stores; orders a second."""
    with ground.database() as database, application(ground, database):
        people.shops(settling.STORES)
        people.workforce(settling.REQUISITES)
        with ground.superuser(database) as connection:
            connection.execute("VACUUM ANALYZE")
            settling.settled(connection, settling.ORDERS, stores=settling.STORES)  # warms up
            yield lambda: settling.settled(connection, settling.ORDERS, stores=settling.STORES)


def _venv(folder: Path, packages: tuple[str, ...]) -> Path:
    """Another's packages never share ours; made once."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True)
    return python


def _hordak(ground: Ground, python: Path) -> dict[str, float]:
    """Posts a second of each kind, in a database of its own."""
    postgres = ground.servers.postgres
    assert postgres is not None
    name = ground.make("hordak", None)
    try:
        done = subprocess.run(
            [str(python), str(POSTS), str(ground.round_s)], text=True, capture_output=True, check=False,
            env={"PATH": os.defpath, "PGHOST": str(postgres.sockets), "PGUSER": "postgres", "PGDATABASE": name,
                 "PGPASSWORD": ground.servers.keys["postgres_password"]})
    finally:
        ground.drop(name)
    if done.returncode:
        raise SystemExit(f"django-hordak: {done.stderr[-2000:]}")
    rates: dict[str, float] = json.loads(done.stdout)
    return rates
