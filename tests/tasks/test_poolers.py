"""Whole orders by a desk that prepares no statements: as it stands, and through a real PgBouncer."""
import http.client
import os
import pwd
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import which
from urllib.parse import urlencode

import pytest
from flask import Flask
from psycopg.conninfo import conninfo_to_dict

from portal.core import start_check
from portal.core.db import db
from tests import factories, people
from tests.running import Desk, free_port, running_desk, wait_for
from tests.tasks.caller import caller_of
from tests.tasks.record import Record, all_matched, all_settled, effects_once
from tests.web import forms

ORDERS = 12
SERVER_CONNECTIONS = 3  # fewer than the desk's own: each transaction may meet what another one left behind
POOLER = which("pgbouncer") or which("pgbouncer", path="/usr/sbin")
needs_pgbouncer = pytest.mark.skipif(POOLER is None, reason="pgbouncer is not installed")


def test_whole_orders_without_prepared_statements(fresh_app: Flask, fresh_database: str, record: Record,
                                                  tmp_path: Path) -> None:
    with running_desk(fresh_database, tmp_path / "desk.log", settings={"DATABASE_PREPARED": "false"}) as desk:
        _whole_orders(fresh_app, desk, record)


@pytest.fixture
def pooled_url(fresh_database: str, url_of: Callable[[str, str], str], tmp_path: Path) -> Iterator[str]:
    """PgBouncer in transaction mode before this database."""
    port, log = free_port(), tmp_path / "pgbouncer.log"
    file = _written(tmp_path, url_of(fresh_database, "app"), fresh_database, port)
    with log.open("wb") as out:
        process = subprocess.Popen([str(POOLER), str(file)], stdout=out, stderr=out)
    try:
        wait_for(lambda: process.poll() is not None or b"process up" in log.read_bytes(), "PgBouncer is up")
        assert process.poll() is None, log.read_text()
        yield f"postgresql+psycopg://desk@127.0.0.1:{port}/{fresh_database}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.slow
@needs_pgbouncer
def test_whole_orders_through_pgbouncer(fresh_app: Flask, fresh_database: str, record: Record, pooled_url: str,
                                        tmp_path: Path) -> None:
    with running_desk(fresh_database, tmp_path / "desk.log", settings={
            "DATABASE_URL": pooled_url, "DATABASE_PREPARED": "false"}) as desk:
        _whole_orders(fresh_app, desk, record)
    assert record.one("SELECT count(*) FROM orders") == ORDERS


@pytest.mark.slow
@needs_pgbouncer
def test_a_pgbouncer_that_mixes_statements_up_is_found_out(app: Flask, pooled_url: str) -> None:
    with pytest.raises(start_check.Unfit, match="DATABASE_PREPARED=false"):
        start_check.insist(pooled_url, prepared=True)
    start_check.insist(pooled_url, prepared=False)


def _written(folder: Path, url: str, database: str, port: int) -> Path:
    """Its settings. It may not be root, and has to reach the server's socket: it runs as the server's own user."""
    server = conninfo_to_dict(url)
    user = pwd.getpwuid(os.stat(str(server["host"])).st_uid).pw_name
    needed = ("host", "port", "user", "password", "dbname")
    lead = " ".join(f"{name}={server[name]}" for name in needed if name in server)
    lines = ["[databases]", f"{database} = {lead}", "[pgbouncer]", "listen_addr = 127.0.0.1", f"listen_port = {port}",
             "unix_socket_dir =", "auth_type = any", "pool_mode = transaction",
             f"default_pool_size = {SERVER_CONNECTIONS}", "max_client_conn = 200"]
    if os.geteuid() == 0:
        lines.append(f"user = {user}")
    if _version() >= (1, 21):
        lines.append("max_prepared_statements = 0")
    file = folder / "pgbouncer.ini"
    file.write_text("\n".join(lines) + "\n")
    return file


def _version() -> tuple[int, ...]:
    said = subprocess.run([str(POOLER), "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in re.findall(r"\d+", said)[:2])


def _whole_orders(app: Flask, desk: Desk, record: Record) -> None:
    """Created by the store, matched, claimed by the payer, confirmed by the trader, settled: by the desk alone."""
    cast = factories.new_cast()
    trader = cast.trader()
    for _ in range(4):
        cast.requisite(trader)
    sid = people.seat(app, people.person("trader", trader_id=trader.id)).sid
    caller = caller_of(desk, cast)
    answers = [caller.payin(number) for number in range(ORDERS)]
    assert [answer.status for answer in answers] == [201] * ORDERS
    assert caller.payin(0).json["id"] == answers[0].json["id"], "the same key, the same order"
    all_matched(record, ORDERS)
    for answer in answers:
        payin = answer.json
        page = payin["payment_url"].removeprefix(desk.url)
        _submitted(desk, page, f"{page}/claim")
        assert caller.call("GET", f"/gateway/v1/payins/{payin['id']}").json["status"] == "paid"
        confirmation = f"/trader/orders/{payin['id']}/confirmation"
        _submitted(desk, confirmation, confirmation, sid)
    all_settled(record, ORDERS)
    db.session.remove()
    effects_once(record, record.one("SELECT array_agg(id) FROM orders"))
    log = desk.log.read_text()
    assert not re.findall(r'"level": ?"error".*', log)
    assert "prepared statement" not in log


def _submitted(desk: Desk, page: str, action: str, sid: str = "") -> None:
    """The page's form as a browser without JavaScript sends it."""
    head = {"Cookie": f"sid={sid}"} if sid else {}
    status, html = _asked(desk, "GET", page, head)
    assert status == 200, html
    fields = forms.to(html, action).sent
    status, html = _asked(desk, "POST", action, head | {"Content-Type": "application/x-www-form-urlencoded"},
                          urlencode(fields, doseq=True))
    assert status == 303, html


def _asked(desk: Desk, method: str, path: str, head: dict[str, str], body: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=15)
    try:
        connection.request(method, path, body, head)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
