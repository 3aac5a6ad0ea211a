"""What may happen to a cluster. Each is done, lasts a while, is mended where somebody would mend it, and has a name."""
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.drill import network
from benchmarks.drill.cluster import Cluster

FAULTS: dict[str, tuple[str, Callable[[Cluster], None]]] = {}
AWAY_S = 25.0  # a machine
FULL_S = 30.0
LASTS_S = {"disk_full": FULL_S}
"""Faults that nothing takes over from: no create while they last is no surprise."""


def fault(name: str) -> Callable[[Callable[[Cluster], None]], Callable[[Cluster], None]]:
    def keep(act: Callable[[Cluster], None]) -> Callable[[Cluster], None]:
        FAULTS[act.__name__] = name, act
        return act
    return keep


@fault("nothing")
def nothing(cluster: Cluster) -> None:
    time.sleep(8)


@fault("switchover by patronictl")
def switchover(cluster: Cluster) -> None:
    leader, candidate = cluster.primary(), cluster.synchronous()
    assert leader
    assert candidate
    cluster.switchover(leader, candidate)


@fault("primary's PostgreSQL kill -9")
def postgres_killed(cluster: Cluster) -> None:
    import os

    leader = cluster.primary()
    assert leader
    os.kill(cluster.postmaster(leader), signal.SIGKILL)


@fault("machine of the primary powered off, 25 s")
def power_off(cluster: Cluster) -> None:
    """Everything on it: etcd, Patroni, PostgreSQL, HAProxy, PgBouncer, Valkey, the desk."""
    node = cluster.primary()
    assert node
    parts = cluster.keeper.of(node)
    with _cut_off(node):  # a machine without power does not even refuse
        cluster.keeper.kill(*parts, hold=True)
        network.power_off(node)
        time.sleep(AWAY_S)
    cluster.keeper.release(*parts)


@fault("machine of the primary cut off, 40 s")
def primary_cut_off(cluster: Cluster) -> None:
    node = cluster.primary()
    assert node
    with _cut_off(node):
        time.sleep(40)


@fault("machine of the synchronous standby cut off, 25 s")
def standby_cut_off(cluster: Cluster) -> None:
    node = cluster.synchronous()
    assert node
    with _cut_off(node):
        time.sleep(AWAY_S)


@fault("every PgBouncer restarted (INT)")
def pgbouncer(cluster: Cluster) -> None:
    cluster.keeper.kill(*cluster.keeper.of(name="pgbouncer"), how=signal.SIGINT)


@fault("every PgBouncer kill -9")
def pgbouncer_killed(cluster: Cluster) -> None:
    cluster.keeper.kill(*cluster.keeper.of(name="pgbouncer"))


@fault("Valkey's primary kill -9, 15 s")
def valkey(cluster: Cluster) -> None:
    node = cluster.valkey_primary()
    assert node
    parts = cluster.keeper.of(node, "valkey")
    cluster.keeper.kill(*parts, hold=True)
    time.sleep(15)
    cluster.keeper.release(*parts)


@fault("every Valkey kill -9, 12 s")
def every_valkey(cluster: Cluster) -> None:
    parts = cluster.keeper.of(name="valkey")
    cluster.keeper.kill(*parts, hold=True)
    time.sleep(12)
    cluster.keeper.release(*parts)


@fault("etcd's leader kill -9")
def etcd(cluster: Cluster) -> None:
    cluster.keeper.kill(cluster.etcd_leader())


@fault("one web kill -9")
def web(cluster: Cluster) -> None:
    cluster.keeper.kill(cluster.keeper.of("n1", "web")[0])


@fault("one worker kill -9")
def worker(cluster: Cluster) -> None:
    cluster.keeper.kill(cluster.keeper.of("n2", "worker")[0])


@fault("one dispatcher kill -9")
def dispatcher(cluster: Cluster) -> None:
    cluster.keeper.kill(cluster.keeper.of("n3", "dispatcher")[0])


@fault("disk of the primary full, 30 s")
def disk_full(cluster: Cluster) -> None:
    node = cluster.primary()
    assert node
    filler = Path(cluster.folder / node / "postgres" / "filler")
    try:
        with filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))
    except OSError:
        pass
    time.sleep(FULL_S)
    filler.unlink()


@fault("40 ms between the machines (80 there and back), 20 s")
def slow_network(cluster: Cluster) -> None:
    """Web and database, primary and standbys, etcd: everything that goes from one machine to another."""
    with ExitStack() as slow:
        for node in network.NODES:
            slow.enter_context(network.slow(node, 20))
        for node in network.NODES:  # from in front: one of the two cables
            took = min(network.seconds_to(network.address(node), 8008) for _ in range(3))
            assert took > 0.035, f"{node} answered after {took * 1000:.0f} ms"
        time.sleep(20)


@fault("clock of the primary's machine an hour ahead, 30 s, and back")
def clock_ahead(cluster: Cluster) -> None:
    _clock_moves(cluster, cluster.primary(), "+3600")


@fault("clock of another machine an hour ahead, 30 s, and back")
def clock_ahead_elsewhere(cluster: Cluster) -> None:
    _clock_moves(cluster, next(node for node in network.NODES if node != cluster.primary()), "+3600")


@fault("clock of another machine an hour behind, 30 s, and back")
def clock_behind(cluster: Cluster) -> None:
    _clock_moves(cluster, next(node for node in network.NODES if node != cluster.primary()), "-3600")


CLOCKS = frozenset({"clock_ahead", "clock_ahead_elsewhere", "clock_behind"})


def _clock_moves(cluster: Cluster, node: str | None, by_s: str) -> None:
    assert node
    cluster.set_clock(node, by_s)
    time.sleep(30)
    cluster.set_clock(node, "+0")


@contextmanager
def _cut_off(node: str) -> Iterator[None]:
    network.cut_off(node)
    try:
        yield
    finally:
        network.join(node)
