"""G7, G8: against LNbits and django-hordak. The second is run, in turn with our own settlement, on the same server.

LNbits needs a service, wallets and keys of its own set up; no figure of ours is made from the specification's table,
which was another machine on another day: creates 121-139 a second, pays 64-73 a second.
"""
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from benchmarks import people, settling
from benchmarks.desk import application
from benchmarks.ground import Ground
from benchmarks.result import Result

HORDAK = ("django-hordak==2.0.0", "psycopg[binary]==3.3.9")
POSTS = Path(__file__).with_name("hordak_posts.py")


def measure(ground: Ground) -> list[Result]:
    python = _venv(ground.servers.home.folder / "others-hordak", HORDAK)
    rounds = []
    with ground.database() as database, application(ground, database):
        people.shops(settling.STORES)
        people.workforce(settling.REQUISITES)
        with ground.superuser(database) as connection:
            connection.execute("VACUUM ANALYZE")
            settling.settled(connection, settling.ORDERS, stores=settling.STORES)  # warms up
            for _ in range(ground.rounds):
                rounds.append({"hordak": _hordak(ground, python),
                               "desk": settling.settled(connection, settling.ORDERS, stores=settling.STORES)})
    ours, theirs = (median(one[side] for one in rounds) for side in ("desk", "hordak"))
    return [Result.missing("G7", "against LNbits on the same PostgreSQL (gate ≥ 15× create, ≥ 30× settle): not run"),
            Result("G8", "settling through Python against posts of django-hordak", ours / theirs, ">=", 5, 10, "times",
                   rounds=rounds, note=f"a second: settled orders {ours:.0f} (four lines each, with events, jobs and"
                                       f" what the store is told), posts of two legs {theirs:.0f}")]


def _venv(folder: Path, packages: tuple[str, ...]) -> Path:
    """Another's packages never share ours; made once."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True)
    return python


def _hordak(ground: Ground, python: Path) -> float:
    """Posts a second, in a database of its own."""
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
    return float(done.stdout)
