"""The handbook's HAProxy and nginx before two web processes: a rolling stop loses no call, a refusal is a document."""
import re
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import pytest
from flask import Flask

from portal.gateway.problems import MEDIA_TYPE, registry
from tests.running import ROOT, Desk, free_port, running_desk, wait_for
from tests.tasks.caller import Answer, Caller, caller_of
from tests.tasks.record import cast_of_four

HANDBOOK = ROOT / "docs" / "operators-handbook.md"
LAME_DUCK_S = 4  # as the handbook has it: two looks of a second, and two more
SETTINGS = {"LAME_DUCK_S": str(LAME_DUCK_S), "PROXY_HOPS": "1", "PUBLIC_URL": "https://desk.example"}
UNKNOWN, AWAY = "outcome_unknown", "unavailable"
NAMES = [pytest.param(name, marks=pytest.mark.skipif(not which(name), reason=f"{name} is not installed"))
         for name in ("haproxy", "nginx")]

pytestmark = pytest.mark.slow


def example(name: str, port: int, first: int, second: int) -> str:
    """The handbook's own text, on this machine: without TLS, and by other addresses."""
    found = re.search(rf"```{name}\n(.*?)```", HANDBOOK.read_text("utf-8"), re.S)
    assert found
    text = re.sub(r"\n *ssl_certificate.*", "", found[1])
    for told, here in (("bind :443 ssl crt /etc/haproxy/desk.example.pem", f"bind 127.0.0.1:{port}"),
                       ("listen 443 ssl;", f"listen 127.0.0.1:{port};"),
                       ("10.0.0.11:8000", f"127.0.0.1:{first}"), ("10.0.0.12:8000", f"127.0.0.1:{second}")):
        text = text.replace(told, here)
    assert "10.0.0" not in text
    assert str(port) in text
    return text


def command(name: str, text: str, folder: Path) -> list[str]:
    file = folder / f"{name}.conf"
    if name == "haproxy":
        file.write_text(text)
        return ["haproxy", "-db", "-f", str(file)]
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    user = "user root;" if (Path.home() == Path("/root")) else ""
    file.write_text(f"daemon off; {user} pid {folder}/pid; error_log stderr; events {{}}\n"
                    f"http {{ access_log off; {temporary}\n{text}}}\n")
    return ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(file)]


@contextmanager
def balancing(name: str, folder: Path, first: int, second: int) -> Iterator[int]:
    """Its port."""
    port = free_port()
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command(name, example(name, port, first, second), folder), stdout=log, stderr=log)
    try:
        wait_for(lambda: process.poll() is not None or _listens(port), f"{name} listens")
        assert process.poll() is None, (folder / f"{name}.log").read_text()
        yield port
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("name", NAMES)
def test_a_rolling_stop_loses_no_call_and_no_desk_is_a_document(name: str, fresh_app: Flask, fresh_database: str,
                                                                tmp_path: Path) -> None:
    with (running_desk(fresh_database, tmp_path / "one.log", "web", settings=SETTINGS) as one,
          running_desk(fresh_database, tmp_path / "two.log", "web", settings=SETTINGS) as two,
          balancing(name, tmp_path, one.port, two.port) as port):
        told = caller_of(one, cast_of_four())
        caller = Caller(port, told.token, told.method)
        wait_for(lambda: caller.call("GET", "/readyz").status == 200, "the balancer has found the desk")
        with calling(caller) as answers:
            for desk in (one, two):
                _stopped_and_back(desk, answers)
        assert {answer.status for answer in answers} == {201}, Counter(
            (answer.status, answer.body) for answer in answers).most_common(3)
        one.kill("web")
        two.kill("web")
        wait_for(lambda: caller.call("GET", "/livez").status in (502, 503), "nobody is there")
        _is_document(caller.payin(10_000), {AWAY, UNKNOWN})
        assert caller.call("GET", "/login").headers["content-type"].startswith("text/html"), "people get a page"


@pytest.mark.parametrize("name", NAMES)
def test_who_died_over_a_call_leaves_it_unknown(name: str, tmp_path: Path) -> None:
    with dying() as port, balancing(name, tmp_path, port, port) as front:
        caller = Caller(front, "key", "sbp")
        wait_for(lambda: caller.call("GET", "/readyz").status == 200, "the balancer has found it")
        _is_document(caller.payin(1), {UNKNOWN})


def _is_document(answer: Answer, codes: set[str]) -> None:
    """As our own: one of the registry's codes under its title, to be sent again."""
    problem = answer.json
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert int(answer.headers["retry-after"]) >= 1
    assert problem["code"] in codes
    entry = registry()[problem["code"]]
    assert (problem["title"], problem["retryable"]) == (entry.title, entry.retryable)
    assert problem["status"] == answer.status
    assert problem["type"] == f"/docs/errors#{problem['code']}"
    assert len(problem["request_id"]) > 16


def _stopped_and_back(desk: Desk, answers: list[Answer]) -> None:
    """As a rolling upgrade does it, while orders come in."""
    assert desk.terminate("web") >= LAME_DUCK_S
    seen = len(answers)
    wait_for(lambda: len(answers) >= seen + 20, "orders go on")
    desk.start("web")
    seen, well = len(answers), Caller(desk.port, "", "")
    wait_for(lambda: well.call("GET", "/readyz").status == 200, "it is ready again")
    wait_for(lambda: b'"route":"/gateway/v1/payins"' in desk.log.read_bytes().rpartition(b"Started server")[2],
             "orders come to it again")


@contextmanager
def calling(caller: Caller) -> Iterator[list[Answer]]:
    """One order after the other; what each was answered."""
    answers: list[Answer] = []
    over = threading.Event()

    def call() -> None:
        while not over.is_set():
            answers.append(caller.payin(len(answers)))

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()


@contextmanager
def dying() -> Iterator[int]:
    """Well for who probes it; whatever else it is asked, it takes in and is gone before it answers."""
    def serve(line: socket.socket) -> None:
        with line, line.makefile("rb") as asked:
            first, size = asked.readline(), 0
            while (field := asked.readline().lower()) not in (b"\r\n", b""):
                if field.startswith(b"content-length:"):
                    size = int(field.split()[1])
            asked.read(size)
            if first.split()[1] in (b"/servez", b"/readyz"):
                line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with listening(serve) as port:
        yield port


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as ear:
        def take() -> None:
            while True:
                try:
                    line = ear.accept()[0]
                except OSError:
                    return
                threading.Thread(target=serve, args=(line,), daemon=True).start()

        threading.Thread(target=take, daemon=True).start()
        yield ear.getsockname()[1]
        ear.shutdown(socket.SHUT_RDWR)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
