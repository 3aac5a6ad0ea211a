"""`deploy/canary` with two real webs behind HAProxy by `front.cfg`, under load: a release that is well goes to both and
nobody is refused; one that answers 500 while it says that it is ready is found by its own figures and taken back."""
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from string import Template

import pytest

from tests.running import Desk, free_port, wait_for

ROOT = Path(__file__).parents[2]
SBIN = "/usr/sbin:/usr/bin:/sbin:/bin"
TOKEN = "a token that reads the figures of a desk"
START = """
cd "$RELEASE" || exit 3
if [ -f $FOLDER/$WEB.pid ]; then
    kill $(cat $FOLDER/$WEB.pid); while kill -0 $(cat $FOLDER/$WEB.pid) 2>/dev/null; do sleep 0.1; done
fi
setsid $PYTHON serve.py 127.0.0.1 ${ADDRESS##*:} >>$FOLDER/$WEB.log 2>&1 &
echo $! >$FOLDER/$WEB.pid
"""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.skipif(
    not shutil.which("haproxy", path=SBIN), reason="haproxy is not installed")]


def release(folder: Path) -> Path:
    """The tree as it is committed."""
    folder.mkdir()
    packed = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x"], cwd=folder, input=packed, check=True)
    return folder


class Farm:
    """Two webs, each a process that a command starts, and who asks them all the time."""

    def __init__(self, database: str, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.webs = {name: f"http://127.0.0.1:{free_port()}" for name in ("n1", "n2")}
        desk = Desk(database, folder / "desk.log", {"METRICS_TOKEN": TOKEN})
        self.environment = {**desk.environment, "FOLDER": str(folder), "PYTHON": sys.executable, "LAME_DUCK_S": "0",
                            "PUBLIC_URL": f"http://127.0.0.1:{self.port}", "RATELIMIT_ENABLED": "false"}
        self.answers: Counter[int] = Counter()
        self.over = threading.Event()

    def start(self, old: Path) -> None:
        for name, address in self.webs.items():
            subprocess.run(["/bin/sh", "-c", START], check=True, env={
                **self.environment, "RELEASE": str(old), "WEB": name, "ADDRESS": address})
        text = re.sub(r"^    server .*\n", "", (ROOT / "deploy" / "cluster" / "front.cfg").read_text(), flags=re.M)
        pages, calls = text.split("# the same servers for", 1)
        servers = {name: f"    server {name} {address.removeprefix('http://')}" for name, address in self.webs.items()}
        (self.folder / "front.cfg").write_text(Template(
            pages + "\n".join(servers.values()) + "\n# the same servers for" + calls
            + "\n".join(f"{line} track web/{name}" for name, line in servers.items()) + "\n").substitute(
                FOLDER=self.folder, FRONT=f"127.0.0.1:{self.port}", HOST="127.0.0.1", SCHEME="http"))
        self.balancer = subprocess.Popen(["haproxy", "-db", "-f", str(self.folder / "front.cfg")], env={"PATH": SBIN},
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: self.ask() == 200, "a web answers through the balancer", within_s=60)
        wait_for(lambda: self.states() == {"n1": ("UP", "100"), "n2": ("UP", "100")}, "both are there", within_s=60)
        self.asking = threading.Thread(target=self.ask_all_the_time)
        self.asking.start()

    def ask(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", "/login")
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def ask_all_the_time(self) -> None:
        while not self.over.wait(0.02):
            self.answers[self.ask()] += 1

    def tell(self, line: str) -> str:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.connect(str(self.folder / "front.sock"))
            wire.sendall(f"{line}\n".encode())
            return b"".join(iter(lambda: wire.recv(65536), b"")).decode()

    def states(self) -> dict[str, tuple[str, str]]:
        """State and weight of each web, as HAProxy tells them."""
        rows = [line.split(",") for line in self.tell("show stat").splitlines()]
        return {row[1]: (row[17], row[18]) for row in rows if len(row) > 18 and row[0] == "web" and row[1] in self.webs}

    def releases(self) -> dict[str, str]:
        """Which tree each web really runs from."""
        return {name: Path(os.readlink(f"/proc/{(self.folder / f'{name}.pid').read_text().strip()}/cwd")).name
                for name in self.webs}

    def canary(self, new: Path, old: Path) -> subprocess.CompletedProcess[str]:
        process = self.begin_canary(new, old)
        said, wrong = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, said, wrong)

    def begin_canary(self, new: Path, old: Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "deploy" / "canary"), "--socket", str(self.folder / "front.sock"),
             *(word for name, address in self.webs.items() for word in ("--web", f"{name}={address}")),
             "--put", f"RELEASE={new}\n{START}", "--back", f"RELEASE={old}\n{START}", "--minutes", "0.25",
             "--least", "10"],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def stop(self) -> None:
        self.over.set()
        if hasattr(self, "asking"):
            self.asking.join()
            self.balancer.kill()
            self.balancer.wait()
        for name in self.webs:
            with suppress(OSError, ValueError):
                os.kill(int((self.folder / f"{name}.pid").read_text()), signal.SIGTERM)


@contextmanager
def farm(database: str, folder: Path, old: Path) -> Iterator[Farm]:
    made = Farm(database, folder)
    try:
        made.start(old)
        yield made
    finally:
        made.stop()


def test_a_release_that_is_well_goes_to_all_and_one_that_is_not_is_taken_back(fresh_database: str, tmp_path: Path):
    old, new, broken = (release(tmp_path / name) for name in ("old", "new", "broken"))
    (broken / "templates" / "auth" / "login.html").unlink()
    with farm(fresh_database, tmp_path, old) as webs:
        done = webs.canary(new, old)
        assert done.returncode == 0, done.stdout + done.stderr
        assert webs.releases() == {"n1": "new", "n2": "new"}
        assert set(webs.answers) == {200}, f"nobody was refused: {webs.answers}"
        assert webs.answers[200] > 50

        begun = time.monotonic()
        done = webs.canary(broken, new)
        assert done.returncode == 1, done.stdout + done.stderr
        assert re.search(r"n1: (\d+) of \1 requests ended in 5xx; back to the old release", done.stdout), done.stdout
        assert webs.releases() == {"n1": "new", "n2": "new"}
        assert webs.states() == {"n1": ("UP", "100"), "n2": ("UP", "100")}
        seen = webs.answers[500]
        assert 10 <= seen < 0.5 * webs.answers.total(), f"a canary's share in {time.monotonic() - begun:.0f} s: {seen}"
        assert set(webs.answers) == {200, 500}

        done = webs.canary(tmp_path / "nowhere", new)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "n1: the command ended with 3" in done.stdout
        assert webs.states()["n1"] == ("UP", "100")


def test_without_the_balancers_socket_the_old_release_comes_back_and_what_is_left_to_do_is_said(
        fresh_database: str, tmp_path: Path):
    """HAProxy goes on; whoever tells it what to do is not heard from the middle of the canary on. The web that failed
    kept the broken release then."""
    old, broken = (release(tmp_path / name) for name in ("old", "broken"))
    (broken / "templates" / "auth" / "login.html").unlink()
    heard, hidden = tmp_path / "front.sock", tmp_path / "hidden.sock"
    with farm(fresh_database, tmp_path, old) as webs:
        process = webs.begin_canary(broken, old)
        assert process.stdout
        assert process.stdout.readline() == "n1: in the balancer again, looked at for 15 s\n"
        assert webs.states()["n1"] == ("UP", "10"), "the canary has its share"
        heard.rename(hidden)
        said, _ = process.communicate()
        assert process.returncode == 2, said
        assert re.search(r"n1: (\d+) of \1 requests ended in 5xx; back to the old release", said), said
        assert f"HAProxy at {heard}: " in said, "and why not"
        assert "n1 is taken back without being drained" in said
        assert webs.releases() == {"n1": "old", "n2": "old"}
        left = re.fullmatch(r"n1 has the old release, but not surely its weight and its state: "
                            rf"echo '(.*)' \| socat - {heard}", said.splitlines()[-1])
        assert left, said

        hidden.rename(heard)
        assert webs.tell(left[1]).strip() == "", "HAProxy says nothing of what it did"
        wait_for(lambda: webs.states() == {"n1": ("UP", "100"), "n2": ("UP", "100")}, "all is as it was")
        webs.answers.clear()
        wait_for(lambda: webs.answers[200] > 50, "they answer", within_s=60)
        assert set(webs.answers) == {200}
