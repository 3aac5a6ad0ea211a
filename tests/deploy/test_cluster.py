"""The cluster's files as their own programs read them; and the two rehearsals, each in its shortest form."""
import http.client
import os
import re
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template

import pytest

from tests.running import free_port, wait_for

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "deploy" / "cluster"
SBIN = "/usr/sbin:/usr/bin:/sbin:/bin"
#: where a value's form matters to who reads the file; everything else is a word
VALUES = {"IP": "127.0.0.1", "IP1": "127.0.0.1", "IP2": "127.0.0.2", "IP3": "127.0.0.3", "FRONT": "127.0.0.1:18080",
          "SCHEME": "https", "REPLICAOF": ""}
PATHS = ["/admin/", "/gateway/v1/payins"]
HELD = "/gateway/v1/held"  # answered when a test says so
pytestmark = pytest.mark.slow


def installed(*programs: str) -> bool:
    return all(shutil.which(name, path=f"{SBIN}:{os.environ['PATH']}") for name in programs)


@pytest.mark.skipif(not installed("haproxy"), reason="haproxy is not installed")
@pytest.mark.parametrize("name", ["haproxy.cfg", "front.cfg"])
def test_haproxy_takes_its_files(name, tmp_path):
    text = Template((CLUSTER / name).read_text())
    values = {key: VALUES.get(key, str(tmp_path)) for key in text.get_identifiers()}
    (tmp_path / name).write_text(text.substitute(values))
    done = subprocess.run(["haproxy", "-c", "-f", str(tmp_path / name)], env={"PATH": SBIN}, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


class Web(ThreadingHTTPServer):
    """Answers as a web does that is well, and counts who came."""

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Says200)
        self.name, self.asked = name, Counter[str]()
        self.stopping, self.answers_now = False, threading.Event()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class Says200(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        if self.path == HELD:
            assert self.server.answers_now.wait(30)
        self.send_response(503 if self.server.stopping and self.path == "/servez" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


class Front:
    """HAProxy by `front.cfg` before such webs, and what the runbook says to it."""

    def __init__(self, webs: list[Web], folder: Path, **lines: str) -> None:
        """`lines`: of the backends `web` and `calls`, in place of the file's own servers."""
        self.webs, self.port, self._socket = webs, free_port(), folder / "front.sock"
        text = re.sub(r"^    server .*\n", "", (CLUSTER / "front.cfg").read_text(), flags=re.M)
        pages, calls = text.split("# the same servers for", 1)
        values = {**VALUES, "FOLDER": str(folder), "FRONT": f"127.0.0.1:{self.port}", "HOST": "desk.example"}
        (folder / "front.cfg").write_text(Template(
            f"{pages}{lines['web']}\n# the same servers for{calls}\n{lines['calls']}\n").substitute(values))
        self._process = subprocess.Popen(["haproxy", "-db", "-f", str(folder / "front.cfg")], env={"PATH": SBIN},
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: self._socket.exists() and all(self.asked("/servez").values()), "each web was looked at")

    def asked(self, path: str) -> dict[str, int]:
        return {web.name: web.asked[path] for web in self.webs}

    def do(self, block: list[str], *lines: int) -> None:
        text = "\n".join([block[0].replace("/run/haproxy/front.sock", str(self._socket)),
                          *(block[line] for line in lines)])
        done = subprocess.run(["/bin/sh", "-eu", "-c", text], capture_output=True, text=True, check=True)
        assert not (done.stdout + done.stderr).strip(), "HAProxy has nothing to say against it"

    def load(self, times: int) -> dict[str, dict[str, int]]:
        """So many pages and calls; who has answered them."""
        before = {path: self.asked(path) for path in PATHS}
        for path in PATHS * times:
            assert self.ask(path) == 200
        return {path: {name: count - before[path][name] for name, count in self.asked(path).items()} for path in PATHS}

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def ask(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()


@contextmanager
def webs_of(*names: str) -> Iterator[list[Web]]:
    webs = [Web(name) for name in names]
    threads = [threading.Thread(target=web.serve_forever, args=(0.02,)) for web in webs]
    for thread in threads:
        thread.start()
    yield webs
    for web, thread in zip(webs, threads, strict=True):
        web.shutdown()
        thread.join()
        web.server_close()


def block_of(head: str) -> list[str]:
    """Lines of the runbook's shell block after these words; the function `front` comes first."""
    page = (ROOT / "docs" / "runbooks.md").read_text()
    first, found = (re.search(r"```sh\n(.*?)```", page.partition(words)[2], re.DOTALL)[1].splitlines()
                    for words in ("**Canary**", head))
    return found if found[0] == first[0] else [first[0], *found]


def as_in_the_file(webs: list[Web]) -> dict[str, str]:
    return {"web": "\n".join(f"    server {web.name} {web.address}" for web in webs),
            "calls": "\n".join(f"    server {web.name} {web.address} track web/{web.name}" for web in webs)}


@pytest.mark.skipif(not installed("haproxy"), reason="haproxy is not installed")
def test_a_web_that_is_stopping_answers_whom_it_has_and_gets_nobody_new(tmp_path):
    """The look that found it stopping cut off every call that it had: one of 473 creates failed in a rehearsal."""
    with webs_of("n1", "n2", "n3") as webs, ThreadPoolExecutor() as pool:
        front = Front(webs, tmp_path, **as_in_the_file(webs))
        try:
            held = pool.submit(front.ask, HELD)
            wait_for(lambda: [web for web in webs if web.asked[HELD]], "the call has arrived")
            [stopping] = [web for web in webs if web.asked[HELD]]
            stopping.stopping = True
            wait_for(lambda: not any(answered[stopping.name] for answered in front.load(10).values()), "nobody new")
            assert not held.done()
            stopping.answers_now.set()
            assert held.result() == 200
        finally:
            stopping.answers_now.set()
            front.close()


@pytest.mark.skipif(not installed("haproxy", "socat"), reason="haproxy or socat is not installed")
def test_a_canary_gets_little_of_pages_and_of_calls(tmp_path):
    """The runbook's words gave it no page at all (a tenth of weight 1 is none), and a third of all calls."""
    with webs_of("n1", "n2", "n3") as webs:
        front = Front(webs, tmp_path, **as_in_the_file(webs))
        try:
            block = block_of("**Canary**")
            front.do(block, 1)
            for path, answered in front.load(200).items():
                assert 0 < answered["n3"] < 40, f"{path}: a twentieth or so of 200, but {answered}"
            front.do(block, 2)
            assert all(answered["n3"] > 40 for answered in front.load(200).values())
            front.do(block, 3)
            assert all(answered["n3"] == 0 for answered in front.load(20).values())
        finally:
            front.close()


@pytest.mark.skipif(not installed("haproxy", "socat"), reason="haproxy or socat is not installed")
def test_blue_becomes_green_and_nobody_is_refused(tmp_path):
    names = [f"{colour}{number}" for colour in ("blue", "green") for number in (1, 2, 3)]
    with webs_of(*names) as webs:
        off = {web.name: " disabled" if "green" in web.name else "" for web in webs}
        front = Front(webs[:3], tmp_path, calls="\n".join(
            f"    server {web.name} {web.address} track web/{web.name}" for web in webs),
            web="\n".join(f"    server {web.name} {web.address}{off[web.name]}" for web in webs))
        front.webs = webs
        try:
            for answered in front.load(20).values():
                assert sum(answered[name] for name in names[:3]) == 20, answered
            block = block_of("**Blue-green**")
            front.do(block, 1)
            front.load(20)
            front.do(block, 2)
            for answered in front.load(20).values():
                assert sum(answered[name] for name in names[3:]) == 20, answered
        finally:
            front.close()


@pytest.mark.timeout(900)
@pytest.mark.skipif(not installed("haproxy"), reason="haproxy is not installed")
def test_an_upgrade_under_load_fails_nobody():
    done = subprocess.run([str(ROOT / "deploy" / "rehearse-upgrade"), "--orders", "500", "--streams", "8",
                           "--per-second", "4", "--calm", "1"], capture_output=True, text=True, check=False)
    print(done.stdout)  # noqa: T201
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", failed 0 [];" in done.stdout, "creates"


@pytest.mark.timeout(900)
@pytest.mark.skipif(os.geteuid() != 0 or not installed("etcd", "etcdctl", "haproxy", "pgbouncer", "ip", "unshare"),
                    reason="the drill wants root, etcd, haproxy and pgbouncer")
def test_a_switchover_a_killed_primary_and_a_dead_machine_lose_nothing():
    done = subprocess.run([str(CLUSTER / "drill"), "switchover", "postgres_killed", "power_off", "--per-second", "5"],
                          capture_output=True, text=True, check=False)
    print(done.stdout)  # noqa: T201
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lost 0, doubled 0" in done.stdout
