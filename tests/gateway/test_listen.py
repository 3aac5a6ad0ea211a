"""`flask webhooks listen`: a developer's machine hears test events of a desk far away, signed as the real ones."""
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook
from werkzeug.serving import make_server

from portal.core import clock, ids
from portal.core.db import transaction
from portal.webhooks import Announcement, announce, listening, signature
from tests.gateway.conftest import Shop
from tests.running import ROOT, free_port, wait_for
from tests.webhooks.receiver import Received
from tests.webhooks.receiver import listening as receiving

SECRET = signature.new_secret()


@pytest.fixture
def desk(app) -> Iterator[str]:
    """The desk behind a real socket."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def tell(shop: Shop, count: int = 1) -> None:
    with transaction() as session:
        announce(session, [Announcement(
            store_id=shop.store.id, live=shop.live, type="payin.completed", order_id=ids.new_id(), version=5,
            payload={"id": f"pin_{number}", "name": "Ж"}) for number in range(count)])


def listen(app, shop: Shop, forward: str, state: Path, *more: str):
    runner = app.test_cli_runner(env={"QUITTANCE_KEY": shop.token, "SECRET": SECRET})
    return runner.invoke(args=["webhooks", "listen", "--forward", forward, "--secret-from-env", "SECRET",
                               "--state", str(state), "--once", *more])


def test_from_far_away_each_once_over_restarts(app, desk, test_shop, tmp_path):
    state = tmp_path / "state.json"
    with receiving() as receiver:
        assert listen(app, test_shop, receiver.url, state, "--desk", desk).exit_code == 0
        assert receiver.received == []
        tell(test_shop, 3)
        tell(replace(test_shop, live=True))
        for _ in range(2):  # a new process each time
            said = listen(app, test_shop, receiver.url, state, "--desk", desk)
            assert said.exit_code == 0, said.output
    events = {row["id"]: row for row in test_shop.get("/events").json["data"]}
    assert sorted(receiver.ids) == sorted(events), "each once, none of the live ones"
    for one in receiver.received:
        told = Webhook(SECRET).verify(one.body.decode(), one.headers)
        event = events[one.headers["webhook-id"]]
        assert told == {"type": event["type"], "timestamp": event["timestamp"], "data": event["data"]}
    inboxes = test_shop.get("/webhook-endpoints").json["data"]
    assert [one["kind"] for one in inboxes] == ["inbox"], "one for all its runs"


def test_by_the_database_of_this_desk(app, test_shop, tmp_path):
    with receiving() as receiver:
        assert listen(app, test_shop, receiver.url, tmp_path / "s", "--store", test_shop.store.slug).exit_code == 0
        tell(test_shop, 2)
        assert listen(app, test_shop, receiver.url, tmp_path / "s", "--store", test_shop.store.slug).exit_code == 0
    assert len(set(receiver.ids)) == 2


def test_what_is_not_taken_comes_again(app, desk, test_shop, tmp_path):
    status = [500]
    with receiving(lambda one: (status[0], {}, b"")) as receiver:
        listen(app, test_shop, receiver.url, tmp_path / "s", "--desk", desk)
        tell(test_shop)
        assert listen(app, test_shop, receiver.url, tmp_path / "s", "--desk", desk).exit_code == 1
        status[0] = 200
        assert listen(app, test_shop, receiver.url, tmp_path / "s", "--desk", desk).exit_code == 0
        assert listen(app, test_shop, receiver.url, tmp_path / "s", "--desk", desk).exit_code == 0
    assert (len(receiver.ids), len(set(receiver.ids))) == (2, 1)


def test_one_that_commits_late_is_not_missed():
    """Its moment lies before one that was forwarded already."""
    now, seen = clock.now(), []
    def event(id: str, ago_s: int):
        return {"id": id, "type": "payin.new", "timestamp": clock.rfc3339(now - timedelta(seconds=ago_s)), "data": {}}

    visible = [event("evt_2", 1)]

    def answer(one: Received):
        seen.append(one.headers["webhook-id"])
        return 200, {}, b""

    with receiving(answer) as receiver:
        place = listening.Place(now - timedelta(seconds=30))
        listener = listening.Listener(
            lambda since: [one for one in visible if one["timestamp"] >= clock.rfc3339(since)], receiver.url, SECRET,
            place, lambda said: None)
        listener.once()
        visible.append(event("evt_1", 20))
        listener.once()
        listener.once()
    assert seen == ["evt_2", "evt_1"]


def test_refused(app, desk, shop, test_shop, tmp_path):
    forward = "http://127.0.0.1:9/hook"
    live = listen(app, shop, forward, tmp_path / "s", "--desk", desk)
    assert (live.exit_code, "Only test events" in live.output) == (1, True)
    poor = listen(app, test_shop.with_scopes("orders:read"), forward, tmp_path / "s", "--desk", desk)
    assert (poor.exit_code, "scope_missing" in poor.output) == (1, True)
    gone = listen(app, test_shop, forward, tmp_path / "s", "--desk", "http://127.0.0.1:9")
    assert (gone.exit_code, "does not answer" in gone.output) == (1, True)
    assert "there is no store" in listen(app, test_shop, forward, tmp_path / "s", "--store", "nowhere").output


def test_it_goes_on_listening_without_a_database_until_it_is_stopped(desk, test_shop, tmp_path):
    """As `bin/flask webhooks listen` starts it: no server of this machine's own is there."""
    nowhere = f"postgresql+psycopg://nobody@/nothing?host={tmp_path}"
    settings = {"DATABASE_URL": nowhere, "DATABASE_DIRECT_URL": nowhere, "REDIS_URL": f"redis://127.0.0.1:{free_port()}",
                "APP_ENV": "development", "FLASK_APP": "wsgi.py", "QUITTANCE_KEY": test_shop.token, "SECRET": SECRET}
    state = tmp_path / "state.json"
    with receiving() as receiver:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "webhooks", "listen", "--desk", desk, "--forward", receiver.url,
             "--secret-from-env", "SECRET", "--state", str(state)], cwd=ROOT, env=os.environ | settings)
        try:
            wait_for(state.exists, "the first look is over")
            for heard in (1, 2):  # of one look each
                tell(test_shop)
                wait_for(lambda heard=heard: len(receiver.received) == heard, "the event is forwarded")
            assert process.poll() is None
        finally:
            process.terminate()
            process.wait(10)
    for one in receiver.received:
        Webhook(SECRET).verify(one.body.decode(), one.headers)
