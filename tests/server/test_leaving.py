"""A web process that was asked to stop: it says so to balancers first, and finishes what it has begun."""
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask

from portal.core import readiness
from tests.running import Desk, running_desk, wait_for
from tests.tasks.caller import Caller, caller_of
from tests.tasks.record import cast_of_four

LONG_S, SHORT_S = 15, 1
GONE_WITHIN_S = 20.0


@contextmanager
def web(database: str, log: Path, lame_duck_s: int) -> Iterator[tuple[Desk, Caller]]:
    with running_desk(database, log, "web", settings={"LAME_DUCK_S": str(lame_duck_s)}) as desk:
        yield desk, caller_of(desk, cast_of_four())


def test_it_is_not_ready_at_once_and_answers_on(fresh_app: Flask, fresh_database: str, tmp_path: Path) -> None:
    """A balancer learned of a stop from refused connections, each of them somebody's order."""
    with web(fresh_database, tmp_path / "web.log", LONG_S) as (desk, caller):
        kept = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=10)
        assert _asked(kept, "/readyz") == (200, None)
        assert _asked(kept, "/servez") == (200, None)
        process = desk.processes["web"][-1]
        process.terminate()
        wait_for(lambda: caller.call("GET", "/readyz").status == 503, "it says that it goes", GONE_WITHIN_S)
        assert caller.call("GET", "/readyz").json["reasons"] == ["stopping"]
        assert caller.call("GET", "/servez").status == 503, "nor sends anybody new who asks for the process alone"
        assert caller.call("GET", "/livez").status == 200, "nobody has to kill it"
        taken = caller.payin(1)
        assert (taken.status, taken.headers["connection"]) == (201, "close")
        assert _asked(kept, "/livez") == (200, "close"), "who keeps a connection is asked to make another, elsewhere"
        process.terminate()
        assert process.wait(GONE_WITHIN_S) == 0, "asked twice it goes at once"


def test_it_goes_by_itself(fresh_app: Flask, fresh_database: str, tmp_path: Path) -> None:
    with web(fresh_database, tmp_path / "web.log", SHORT_S) as (desk, _):
        assert SHORT_S <= desk.terminate("web") <= GONE_WITHIN_S


def test_what_has_begun_is_finished(fresh_app: Flask, fresh_database: str, tmp_path: Path) -> None:
    """Its listener is closed, its answer is not."""
    with web(fresh_database, tmp_path / "web.log", 0) as (desk, caller):
        body = json.dumps({"external_id": "begun", "amount": "100.00", "currency": "RUB", "method": caller.method})
        head = (f"POST /gateway/v1/payins HTTP/1.1\r\nHost: 127.0.0.1:{desk.port}\r\nIdempotency-Key: begun\r\n"
                f"Authorization: Bearer {caller.token}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n")
        with socket.create_connection(("127.0.0.1", desk.port), timeout=10) as line:
            line.sendall(head.encode() + body[:10].encode())
            wait_for(lambda: caller.call("GET", "/livez").status == 200, "it has read what came before")
            process = desk.processes["web"][-1]
            process.terminate()
            wait_for(lambda: not _listens(desk), "nothing new is taken")
            line.sendall(body[10:].encode())
            answer = line.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 201 ")
        assert b"connection: close\r\n" in answer
        assert process.wait(GONE_WITHIN_S) == 0


def test_who_leaves_does_not_ask_the_database_first(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_leaving", False)
    assert readiness.reasons_not_ready() == []
    readiness.leave()
    assert readiness.reasons_not_ready() == ["stopping"]


def _asked(connection: http.client.HTTPConnection, path: str) -> tuple[int, str | None]:
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status, answer.getheader("Connection")


def _listens(desk: Desk) -> bool:
    try:
        socket.create_connection(("127.0.0.1", desk.port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True
