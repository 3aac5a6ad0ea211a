"""`/live` as the web process serves it: over a socket, beside pages, told by other processes, until SIGTERM."""
import contextlib
import http.client
import threading
import time
from collections.abc import Iterator

import pytest

from tests import factories, people
from tests.running import Desk, running_desk, wait_for
from tests.web.live.listening import Ear
from tests.web.stage import Stage

TOLD_WITHIN_S = 1.0
STOPPED_WITHIN_S = 5.0
STREAMS = 160


@pytest.fixture(scope="module")
def desk(stage: Stage, stage_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running_desk(stage_database, tmp_path_factory.mktemp("live") / "web.log", "web") as running:
        yield running


@pytest.mark.usefixtures("telling")
def test_a_step_in_another_process_is_heard_within_a_second(stage: Stage, desk: Desk) -> None:
    with Ear(desk.port, stage.seat("trader").sid) as ear:
        assert ear.status == 200
        assert "content-type: text/event-stream\n" in ear.head
        assert "cache-control: no-store\n" in ear.head
        wait_for(lambda: ": here" in ear.wire, "the stream begins")
        with stage.app.app_context():
            begun = time.monotonic()
            factories.confirm(factories.its_trader(stage.orders["paid"]), stage.orders["paid"])
        ear.hears("orders")
        assert ear.heard_at["orders"] - begun < TOLD_WITHIN_S


def test_a_stranger_hears_nothing(desk: Desk) -> None:
    for sid in (None, "x" * 43):
        with Ear(desk.port, sid) as ear:
            assert ear.status == 401


def test_many_streams_leave_room_for_pages(stage: Stage, desk: Desk) -> None:
    """More than the threads, and more than the server once had places for."""
    with contextlib.ExitStack() as open_ones:
        ears = []
        for _ in range(STREAMS // 8):
            with stage.app.app_context():
                sid = people.seat(stage.app, people.person("super_admin")).sid
            ears += [open_ones.enter_context(Ear(desk.port, sid)) for _ in range(8)]
        assert [ear.status for ear in ears] == [200] * STREAMS
        slowest = max(_seconds(desk, "/livez") for _ in range(20))
        assert slowest < 1, f"a page took {slowest:.2f} s beside {STREAMS} streams"


def _seconds(desk: Desk, path: str) -> float:
    begun, connection = time.monotonic(), http.client.HTTPConnection("127.0.0.1", desk.port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.status == 200
    answer.read()
    connection.close()
    return time.monotonic() - begun


def test_a_server_asked_to_stop_ends_its_streams_at_once(stage: Stage, desk: Desk) -> None:
    sid = stage.seat("super_admin").sid
    with contextlib.ExitStack() as open_ones:
        ears = [open_ones.enter_context(Ear(desk.port, sid)) for _ in range(8)]
        assert [ear.status for ear in ears] == [200] * 8
        took = list[float]()
        stopping = threading.Thread(target=lambda: took.append(desk.terminate("web")))
        stopping.start()
        for ear in ears:
            assert ear.ended.wait(STOPPED_WITHIN_S)
        stopping.join()
    desk.start("web")
    assert took[0] < STOPPED_WITHIN_S
