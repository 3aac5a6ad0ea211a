"""`deploy/cluster/drill [faults]`: the cluster started, load through its balancer, each fault, and a table."""
import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from http.client import HTTPException
from pathlib import Path

import psycopg

from benchmarks.drill import judge, network
from benchmarks.drill.cluster import Cluster
from benchmarks.drill.faults import CLOCKS, FAULTS, LASTS_S
from benchmarks.drill.load import Load

CALM_S = 6.0  # before each fault, and after all is well again
PATIENCE_S = 90.0  # with a cluster that should be whole again
NEEDED = ("etcd", "etcdctl", "haproxy", "pgbouncer", "ip", "nsenter", "setpriv")


def main() -> int:
    parser = argparse.ArgumentParser(prog="deploy/cluster/drill", description=__doc__)
    parser.add_argument("faults", nargs="*", help=f"of {', '.join(FAULTS)}; all but those of clocks, which want a"
                        " run of their own, when none is named")
    parser.add_argument("--per-second", type=float, default=10.0, help="new orders (10)")
    parser.add_argument("--patroni", type=Path, required=True, help="folder with patroni and patronictl")
    parser.add_argument("--keep", action="store_true", help="leave the logs where they are")
    asked = parser.parse_args()
    if unknown := set(asked.faults) - FAULTS.keys():
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    if missing := [name for name in NEEDED if shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") is None]:
        parser.error(f"not installed: {', '.join(missing)}. apt-get install etcd-server etcd-client haproxy pgbouncer")
    clocks = bool(CLOCKS & set(asked.faults))
    if clocks and shutil.which("cc") is None:
        parser.error("not installed: cc, for the drill's clock. apt-get install gcc")
    folder = Path(tempfile.mkdtemp(prefix="quittance-drill-", dir="/var/tmp"))
    network.build()
    cluster = Cluster(folder, asked.patroni, clocks=clocks)
    try:
        return _drilled(cluster, asked.faults or [name for name in FAULTS if name not in CLOCKS], asked.per_second)
    finally:
        cluster.stop()
        if asked.keep:
            print("logs:", folder / "log")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _drilled(cluster: Cluster, names: list[str], a_second: float) -> int:
    began = time.monotonic()
    cluster.start()
    cluster.flask("db", "upgrade")
    tokens = _seeded(cluster)
    cluster.start_desk()
    print(f"started in {time.monotonic() - began:.0f} s; primary {cluster.primary()}", flush=True)
    books = judge.Books(cluster.owner_url)
    load = Load(network.FRONT, 8080, tokens, a_second)
    try:
        _until_well(cluster, load, books)
        made = {name: _one(cluster, name, load, books) for name in names}
    finally:
        load.end()
    _settled(books)
    rows, line, failures = judge.rows([window for window in made.values() if window], load, books)
    print(judge.HEAD, *rows, "", line, sep="\n")
    early, died = books.early(), cluster.keeper.died
    print("; ".join(f"{words}: {count}" for words, count in early.items()))
    print("died by themselves and were started again:", ", ".join(died) or "none")
    for proof in ("ledger", "audit"):
        print(proof, "verify:", cluster.flask(proof, "verify").strip().splitlines()[-1])
    failures += [f"{FAULTS[name][0]}: not made here" for name, window in made.items() if window is None]
    failures += [failure for row in rows for failure in row.failures]
    failures += [f"{words}: {count}" for words, count in early.items() if count]
    failures += [f"died by itself: {part}" for part in died]
    for failure in failures:
        print("does not hold:", failure)
    return int(bool(failures))


def _one(cluster: Cluster, name: str, load: Load, books: judge.Books) -> judge.Window | None:
    words, act = FAULTS[name]
    time.sleep(CALM_S)
    began = judge.now()
    print(f"{time.strftime('%H:%M:%S')} {words} (primary {cluster.primary()}, synchronous {cluster.synchronous()})",
          flush=True)
    try:
        act(cluster)
    except network.CannotBeMade as error:
        print("   not made here:", error, flush=True)
        return None
    whole = _until_well(cluster, load, books)
    return judge.Window(words, began, judge.now(), whole, judge.REFUSED_S_MAX + LASTS_S.get(name, 0))


def _until_well(cluster: Cluster, load: Load, books: judge.Books) -> bool:
    """All three nodes, nothing that waits, and a create just now."""
    until = time.monotonic() + PATIENCE_S
    time.sleep(CALM_S)
    while time.monotonic() < until:
        try:
            recent = load.times(judge.now() - 2, judge.now())
            if cluster.is_whole() and recent and load.asked - len(load.acked) < 20 and books.waiting() < 20:
                return True
        except (psycopg.Error, HTTPException) as error:  # the database, or Patroni, is where it is just now
            print("  ", type(error).__name__, flush=True)
        time.sleep(0.5)
    print(cluster.states(), flush=True)
    return False


def _settled(books: judge.Books) -> None:
    until = time.monotonic() + PATIENCE_S
    while books.waiting() and time.monotonic() < until:
        time.sleep(0.5)


def _seeded(cluster: Cluster) -> list[str]:
    done = subprocess.run([sys.executable, "-m", "benchmarks.drill.seed"], capture_output=True, text=True, check=False,
                          env={**cluster.desk["n1"], "DATABASE_URL": cluster.desk["n1"]["DATABASE_DIRECT_URL"]})
    assert done.returncode == 0, done.stderr
    return [line.split()[1] for line in done.stdout.splitlines() if line.startswith("token ")]


if __name__ == "__main__":
    sys.exit(main())
