"""SIGHUP: a running desk reads its secrets anew; what cannot change in place is named; nonsense changes nothing."""
import base64
import json
import os
import secrets
import signal
import urllib.error
import urllib.request

import pytest

from tests.journeys.plain_browser import PlainBrowser
from tests.running import Desk, wait_for

IN_FILES = ("METRICS_TOKEN", "HUEY_KEY", "SECRET_KEY")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "kept").mkdir()
    return tmp_path / "kept"


@pytest.fixture
def desk(fresh_database, tmp_path, folder):
    made = Desk(fresh_database, tmp_path / "desk.log", {"SECRETS_FOLDER": str(folder), "LOG_LEVEL": "INFO"})
    put(folder, metrics_token="of-before", huey_key=made.environment["HUEY_KEY"],
        secret_key=made.environment["SECRET_KEY"])
    for name in IN_FILES:
        made.environment.pop(name, None)
    made.start("web", "worker", "dispatcher")
    yield made
    made.stop()


def put(folder, **values: str) -> None:
    for name, value in values.items():
        (folder / name).write_text(value)


def metrics(desk: Desk, token: str) -> int:
    try:
        return urllib.request.urlopen(urllib.request.Request(
            f"{desk.url}/metrics", headers={"Authorization": f"Bearer {token}"}), timeout=5).status
    except urllib.error.HTTPError as error:
        return error.code


def said(desk: Desk, event: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in desk.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


def hang_up(desk: Desk) -> None:
    for processes in desk.processes.values():
        os.kill(processes[-1].pid, signal.SIGHUP)


def test_secrets_change_while_the_desk_runs(desk, folder):
    assert metrics(desk, "of-before") == 200
    page = PlainBrowser(desk.url)
    assert page.open("/login") == 200
    old = {name: (folder / name).read_text() for name in ("huey_key", "secret_key")}
    put(folder, metrics_token="of-after", huey_key=f"{secrets.token_hex(32)},{old['huey_key']}",
        secret_key=f"{secrets.token_hex(32)},{old['secret_key']}")
    hang_up(desk)
    wait_for(lambda: len(said(desk, "settings_read_anew")) == 3, "web, worker and dispatcher read anew")
    assert {tuple(line["changed"]) for line in said(desk, "settings_read_anew")} == {tuple(sorted(IN_FILES))}
    assert (metrics(desk, "of-before"), metrics(desk, "of-after")) == (404, 200)
    page.send("/login", email="nobody@quittance.example", password="wrong-but-the-form-is-taken")
    assert "csrf" not in page.html.lower().replace("csrf_token", "").replace("csrf-token", ""), "an open form is taken"
    assert said(desk, "settings_want_a_restart") == []

    desk.environment.pop("DATABASE_OWNER_URL", None)
    put(folder, metrics_token="of-later", redis_url="redis://elsewhere.example:6379/0", secret_key="short")
    hang_up(desk)
    wait_for(lambda: len(said(desk, "settings_not_read_anew")) == 3, "all refuse")
    assert metrics(desk, "of-after") == 200, "what is wrong changes nothing"
    assert "short" not in json.dumps(said(desk, "settings_not_read_anew")[0]["wrong"])
    put(folder, secret_key=old["secret_key"], mail_from="Another <desk@shop.example>")
    hang_up(desk)
    wait_for(lambda: len(said(desk, "settings_want_a_restart")) == 3, "what cannot change in place is named")
    assert said(desk, "settings_want_a_restart")[0]["settings"] == ["MAIL_FROM"]
    assert metrics(desk, "of-later") == 200
    assert all(process.poll() is None for processes in desk.processes.values() for process in processes)


def test_a_wakeup_is_taken_by_either_key_and_by_no_other():
    from tasks.signing import Signed

    old, new = base64.b64encode(secrets.token_bytes(32)).decode(), base64.b64encode(secrets.token_bytes(32)).decode()
    before, during, after = Signed([old]), Signed([new, old]), Signed([new])
    message = {"kind": "match"}
    assert during.deserialize(before.serialize(message)) == message
    assert after.deserialize(during.serialize(message)) == message
    for strange in (before.serialize(message), b"x", during.serialize(message)[:-1] + b"x"):
        with pytest.raises(ValueError, match="not signed by us"):
            after.deserialize(strange)
