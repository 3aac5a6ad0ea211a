"""`deploy/cluster/watcher` against an etcd and a Patroni that say what a test wants, over HTTP and TLS."""
import json
import ssl
import subprocess
import sys
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from tests.certificates import self_signed
from tests.running import free_port, wait_for

WATCHER = Path(__file__).parents[2] / "deploy" / "cluster" / "watcher"
PREFIX = "/service/desk/"
TTL_S = 20


@pytest.fixture(scope="module")
def program() -> Any:
    loader = SourceFileLoader("watcher", str(WATCHER))
    module = module_from_spec(spec_from_loader("watcher", loader))
    loader.exec_module(module)
    return module


class Cluster(ThreadingHTTPServer):
    """n1 leads and is gone, n2 is its synchronous standby; keys as Patroni 4 writes them, answers as of etcd 3.4."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.dark = f"127.0.0.1:{free_port()}"  # nobody listens there
        self.keys: dict[str, Any] = {
            "config": {"synchronous_mode": True, "synchronous_mode_strict": True, "ttl": TTL_S},
            "sync": {"leader": "n1", "sync_standby": "n2", "quorum": 0},
            "members/n1": {"api_url": f"http://{self.dark}/patroni", "conn_url": f"postgres://{self.dark}/postgres"},
            "leader": "n1"}
        self.revisions: dict[str, int] = {}
        self.unrenewed_s: Callable[[], int] = lambda: 7
        self.sync_status, self.garbage = 200, False

    @property
    def url(self) -> str:
        return f"http{'s' if isinstance(self.socket, ssl.SSLSocket) else ''}://127.0.0.1:{self.server_port}"

    def range(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = b64decode(asked["key"]).decode().removeprefix(PREFIX)
        if name not in self.keys:
            return {"header": {}}
        value = self.keys[name]
        text = value if isinstance(value, str) else json.dumps(value)
        return {"kvs": [{"key": asked["key"], "value": b64encode(text.encode()).decode(), "lease": "77",
                         "mod_revision": str(self.revisions.get(name, 1))}], "count": "1"}

    def timetolive(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert asked == {"ID": "77"}
        return {"ID": "77", "TTL": str(TTL_S - self.unrenewed_s()), "grantedTTL": str(TTL_S)}

    def txn(self, asked: dict[str, Any]) -> dict[str, Any]:
        [compared] = asked["compare"]
        name = b64decode(compared["key"]).decode().removeprefix(PREFIX)
        if compared["mod_revision"] != str(self.revisions.get(name, 1)):
            return {"header": {}}
        assert asked["success"] == [{"request_delete_range": {"key": compared["key"]}}]
        del self.keys[name]
        return {"succeeded": True}


class Answers(BaseHTTPRequestHandler):
    server: Cluster

    def do_GET(self) -> None:
        assert self.path == "/sync"
        if self.server.garbage:
            self.wfile.write(b"garbage\r\n\r\n")
        else:
            self._answer(self.server.sync_status, {"patroni": {"version": "4.1.5", "scope": "desk", "name": "n2"}})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(200, {"/v3/kv/range": self.server.range, "/v3/lease/timetolive": self.server.timetolive,
                           "/v3/kv/txn": self.server.txn}[self.path](asked))

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def serving(cluster: Cluster) -> Iterator[Cluster]:
    thread = threading.Thread(target=cluster.serve_forever, args=(0.02,))
    thread.start()
    yield cluster
    cluster.shutdown()
    thread.join()
    cluster.server_close()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with serving(Cluster()) as one:
        yield one


@pytest.fixture
def watcher(program: Any, cluster: Cluster) -> Any:
    return program.Watcher(cluster.url, cluster.url, PREFIX)


def looks(watcher: Any, times: int = 3) -> str:
    """What it says at the last of them."""
    return [watcher.look() for _ in range(times)][-1]


def test_the_lead_of_a_machine_that_is_gone_is_ended_at_the_second_look(watcher, cluster, capsys):
    assert watcher.look().startswith("watches /service/desk/")
    assert "leader" in cluster.keys
    watcher.look()
    assert "leader" not in cluster.keys
    assert capsys.readouterr().err == "n1 is gone and has not renewed its lease for 7 s: its lead is ended\n"
    assert watcher.look().startswith("watches")


@pytest.mark.parametrize(("key", "value", "why"), [
    ("config", {"synchronous_mode": True}, "synchronous_mode_strict is None"),
    ("config", {"synchronous_mode": True, "synchronous_mode_strict": False}, "synchronous_mode_strict is False"),
    ("config", {"synchronous_mode": False, "synchronous_mode_strict": True}, "synchronous_mode is False"),
    ("config", {"synchronous_mode": "quorum", "synchronous_mode_strict": True}, "synchronous_mode is quorum"),
    ("sync", {"leader": "n1", "sync_standby": "n3"}, "n2 is not the synchronous standby of n1, says etcd"),
    ("sync", {"leader": "n1", "sync_standby": None}, "n2 is not the synchronous standby of n1, says etcd"),
    ("sync", {"leader": "n3", "sync_standby": "n2"}, "n2 is not the synchronous standby of n1, says etcd"),
])
def test_it_does_not_act_where_that_would_not_be_safe_and_says_why(watcher, cluster, key, value, why):
    """It ran whatever decision 0204 wanted: nothing looked whether strict mode was on."""
    cluster.keys[key] = value
    assert looks(watcher) == f"does not act: {why}"
    assert "leader" in cluster.keys


def test_who_is_not_the_synchronous_standby_only_watches(watcher, cluster):
    cluster.sync_status = 503
    assert looks(watcher).startswith("watches")
    assert "leader" in cluster.keys


def test_a_leader_that_takes_connections_or_renews_keeps_its_lead(watcher, cluster):
    cluster.keys["members/n1"]["conn_url"] = f"postgres://127.0.0.1:{cluster.server_port}/postgres"
    looks(watcher)
    assert "leader" in cluster.keys
    cluster.keys["members/n1"]["conn_url"] = f"postgres://{cluster.dark}/postgres"
    cluster.unrenewed_s = lambda: 2
    looks(watcher)
    assert "leader" in cluster.keys


def test_a_leader_that_comes_back_while_its_connections_are_tried_keeps_its_lead(watcher, cluster):
    """The key's revision does not move when its lease is renewed, and two connects take two seconds."""
    answers = iter([7, 7, 8, 0])
    cluster.unrenewed_s = lambda: next(answers)
    looks(watcher, 2)
    assert next(answers, None) is None, "asked twice at each look"
    assert "leader" in cluster.keys


def test_two_looks_in_a_row_are_at_the_same_lead(watcher, cluster):
    for revision in (1, 2, 3):
        cluster.revisions["leader"] = revision
        watcher.look()
    cluster.sync_status = 500  # a look that was not one
    assert watcher.look() == "waits: HTTPError: HTTP Error 500: Internal Server Error"
    cluster.sync_status = 200
    watcher.look()
    assert "leader" in cluster.keys
    watcher.look()
    assert "leader" not in cluster.keys


def test_the_first_look_may_be_before_the_silence_is_long_enough(watcher, cluster):
    answers = iter([3, 5, 6, 8])
    cluster.unrenewed_s = lambda: next(answers)
    looks(watcher, 2)
    assert "leader" not in cluster.keys


def test_a_lead_that_another_has_taken_meanwhile_is_left(watcher, cluster, capsys):
    watcher.look()

    def another() -> int:
        cluster.revisions["leader"] = 2
        return 7
    cluster.unrenewed_s = another
    watcher.look()
    assert "leader" in cluster.keys
    assert "its lead is another already" in capsys.readouterr().err


def test_an_answer_that_is_no_http_does_not_end_the_program(watcher, cluster):
    cluster.garbage = True
    assert watcher.look() == "waits: BadStatusLine: garbage"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Of 127.0.0.1, signed by itself: a node's and who signed it."""
    made, key = self_signed("n2", x509.IPAddress(ip_address("127.0.0.1")))
    file = tmp_path / "node.crt"
    file.write_bytes(made)
    file.with_suffix(".key").write_bytes(key)
    return file


@pytest.fixture
def guarded(certificate: Path) -> Iterator[Cluster]:
    """Both ask for a certificate and show one."""
    one, tls = Cluster(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, certificate.with_suffix(".key"))
    tls.load_verify_locations(certificate)
    tls.verify_mode = ssl.CERT_REQUIRED
    one.socket = tls.wrap_socket(one.socket, server_side=True, do_handshake_on_connect=False)
    with serving(one):
        yield one


@contextmanager
def running(cluster: Cluster, log: Path, *arguments: str) -> Iterator[Callable[[], list[str]]]:
    with log.open("wb") as file:
        process = subprocess.Popen([sys.executable, str(WATCHER), "--patroni", cluster.url, "--etcd", cluster.url,
                                    *arguments], stderr=file)
    try:
        yield lambda: log.read_text().splitlines()
        assert process.poll() is None, log.read_text()
    finally:
        process.kill()
        process.wait()


def test_the_program_watches_over_tls(guarded, certificate, tmp_path):
    with running(guarded, tmp_path / "log", "--cacert", str(certificate), "--cert", str(certificate),
                 "--key", str(certificate.with_suffix(".key"))) as lines:
        wait_for(lambda: "leader" not in guarded.keys, "the lead is ended")
        wait_for(lambda: len(lines()) == 2, "both lines")
    assert lines() == [f"watches /service/desk/ by {guarded.url} and {guarded.url}",
                       "n1 is gone and has not renewed its lease for 7 s: its lead is ended"]


def test_a_state_is_said_once_until_it_changes(cluster, tmp_path):
    """It said an error's class at each look, and nothing at all where it watched."""
    asked = []
    cluster.unrenewed_s = lambda: asked.append(None) or 0
    with running(cluster, tmp_path / "log") as lines:
        wait_for(lambda: len(asked) >= 2, "two looks")
        assert lines() == [f"watches /service/desk/ by {cluster.url} and {cluster.url}"]
        cluster.sync_status = 500
        wait_for(lambda: len(lines()) == 2, "it waits")
        cluster.sync_status = 200
        wait_for(lambda: len(lines()) == 3, "it watches again")
    assert lines() == [lines()[0], "waits: HTTPError: HTTP Error 500: Internal Server Error", lines()[0]]


def test_without_who_signed_it_says_what_is_wrong(guarded, tmp_path):
    with running(guarded, tmp_path / "log") as lines:
        wait_for(lines, "a line")
    assert "CERTIFICATE_VERIFY_FAILED" in lines()[0]
