"""Three nodes, each a network namespace at one bridge, inside of a network that leads nowhere."""
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NODES = ("n1", "n2", "n3")
FRONT = "10.77.0.1"
NETWORK = "10.77.0.0/24"


class CannotBeMade(Exception):
    """This kernel has no such thing."""


def address(node: str) -> str:
    return f"10.77.0.1{node[1:]}"


def build() -> None:
    """Raises SystemExit where this is not a network of our own: `deploy/cluster/drill` makes one first."""
    links = sorted(link.name for link in Path("/sys/class/net").iterdir())
    if os.getpid() > 100 and links != ["lo"]:
        raise SystemExit("start deploy/cluster/drill, which makes a network of its own first")
    _ip("link", "set", "lo", "up")
    _run("mount", "-t", "tmpfs", "tmpfs", "/run")  # names of networks are files there, and this machine has its own
    _ip("link", "add", "bridge0", "type", "bridge")
    _ip("address", "add", f"{FRONT}/24", "dev", "bridge0")
    _ip("link", "set", "bridge0", "up")
    for node in NODES:
        _ip("netns", "add", node)
        _ip("link", "add", f"to-{node}", "type", "veth", "peer", "name", "eth0", "netns", node)
        _ip("link", "set", f"to-{node}", "master", "bridge0", "up")
        _ip("-n", node, "address", "add", f"{address(node)}/24", "dev", "eth0")
        _ip("-n", node, "link", "set", "eth0", "up")
        _ip("-n", node, "link", "set", "lo", "up")


def cut_off(node: str) -> None:
    """Its cable is pulled: its processes go on, and reach one another alone."""
    _ip("link", "set", f"to-{node}", "down")


def join(node: str) -> None:
    _ip("link", "set", f"to-{node}", "up")


@contextmanager
def slow(node: str, delay_ms: int) -> Iterator[None]:
    """What leaves this node and what reaches it takes so long: its cable leads through `slow_cable` to the bridge."""
    _ip("link", "set", f"to-{node}", "nomaster", "arp", "off")  # nobody but the far end is to answer it
    _ip("link", "add", f"slow-{node}", "type", "veth", "peer", "name", f"far-{node}")
    _ip("link", "set", f"slow-{node}", "arp", "off", "up")
    _ip("link", "set", f"far-{node}", "master", "bridge0", "up")
    cable = subprocess.Popen([sys.executable, "-m", "benchmarks.drill.slow_cable", f"to-{node}", f"slow-{node}",
                              str(delay_ms)])
    try:
        yield
        assert cable.poll() is None, "the long cable has broken"
    finally:
        cable.kill()
        cable.wait()
        _ip("link", "del", f"slow-{node}")
        _ip("link", "set", f"to-{node}", "master", "bridge0", "arp", "on")


def seconds_to(address: str, port: int) -> float:
    """How long a connection takes to be there: one way and back."""
    begun = time.monotonic()
    with socket.create_connection((address, port), timeout=5):
        return time.monotonic() - begun


def power_off(node: str) -> None:
    """kill -9 of every process in that network, however it came to be there."""
    for pid in _processes(node):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _processes(node: str) -> Iterator[int]:
    network = os.stat(f"/run/netns/{node}").st_ino
    for own in Path("/proc").glob("[0-9]*/ns/net"):
        with suppress(OSError):
            if os.stat(own).st_ino == network:
                yield int(own.parts[2])


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotBeMade(f"{' '.join(command)}: {done.stderr.strip()}")
