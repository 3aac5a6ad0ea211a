"""Alarms as Sentry gets them: one kind is one issue, with its facts beside it, and a bug comes with its stack."""
import gzip
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAID = """
import asyncio, sys
import sentry_sdk, structlog
from portal.core import logging, request_log
from portal.server.group_commit import GroupCommit
logging.configure()
request_log.start_sentry(sys.argv[1], "test")
log = structlog.get_logger("jobs")
for job in (7, 8):
    request_log.begin(f"req_{job}")
    log.error("job_dead", kind="settle_order", job=job, reference=f"pin_{job}", error="card 2200000000000004")
log.error("job_dead", kind="match_order", job=9)
log.warning("lease_lost", job=1)
try:
    1 / 0
except ZeroDivisionError:
    log.exception("bug", route="/trader")
class Odd:
    async def do(self, batch):
        raise KeyError("ours")
async def lane():
    return await GroupCommit("new orders", Odd().do).submit(1)
asyncio.run(lane())
sentry_sdk.flush(10)
"""


@pytest.fixture(scope="module")
def alarms():
    """What a process that says all this sends to its Sentry, which listens on loopback."""
    heard = []

    class Sentry(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            lines = (gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body).splitlines()
            heard.extend(event for line in lines if "logentry" in (event := json.loads(line)))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format, *values):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Sentry)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        done = subprocess.run([sys.executable, "-c", SAID, f"http://key@127.0.0.1:{server.server_port}/1"], cwd=ROOT,
                              capture_output=True, text=True, timeout=60, check=False)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert done.returncode == 0, done.stderr
    return heard, done.stderr


def test_alarms_of_a_kind_are_one_issue(alarms):
    """The message was the whole line with its ids and times: each dead job would have been an issue of its own."""
    dead = [event for event in alarms[0] if event["logentry"]["message"] == "job_dead"]
    assert len(dead) == 3
    assert [event["fingerprint"] for event in dead] == [
        ["jobs", "job_dead", "settle_order"], ["jobs", "job_dead", "settle_order"], ["jobs", "job_dead", "match_order"]]
    assert {event["logentry"]["formatted"] for event in dead} == {"job_dead"}
    first = dead[0]
    assert (first["tags"]["kind"], first["tags"]["request_id"]) == ("settle_order", "req_7")
    assert (first["contexts"]["facts"]["job"], first["contexts"]["facts"]["reference"]) == (7, "pin_7")
    assert "2200000000000004" not in json.dumps(first)


def test_a_bug_comes_with_its_stack_and_is_known_by_it(alarms):
    [bug] = [event for event in alarms[0] if event["logentry"]["message"] == "bug"]
    assert bug["exception"]["values"][-1]["type"] == "ZeroDivisionError"
    assert bug["exception"]["values"][-1]["stacktrace"]["frames"]
    assert "fingerprint" not in bug
    assert bug["tags"]["route"] == "/trader"


def test_a_bug_in_a_batch_is_heard_of(alarms):
    """It was a warning: replays for first answers and a slow desk, and nobody knew why."""
    [failed] = [event for event in alarms[0] if event["logentry"]["message"] == "batch_failed"]
    assert failed["exception"]["values"][-1]["type"] == "KeyError"
    assert failed["tags"]["batch"] == "new orders"


def test_the_log_is_as_it_was(alarms):
    lines = [json.loads(line) for line in alarms[1].splitlines()]
    assert [line["event"] for line in lines] == [*["job_dead"] * 3, "lease_lost", "bug", "batch_failed"]
    assert "ZeroDivisionError" in lines[4]["exception"]
    assert not any("_exception" in line or "exc_info" in line for line in lines)
    assert len(alarms[0]) == 5, "a warning is no alarm"
