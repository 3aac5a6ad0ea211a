"""bin/run, really started: servers, supervision, stop signals, and what a killed run leaves."""
import json
import os
import signal
import stat
import threading
from pathlib import Path

import pytest

from tests.launcher.conftest import NOBODY, Desk, alive, eventually

SECOND_START_S = 10
STOP_S = 40


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_starts_keeps_alive_and_stops(desk: Desk) -> None:
    desk.start()
    assert (desk.folder / "released.txt").read_text() == "released\n"
    assert mode(desk.home / "keys.json") == 0o600
    assert mode(desk.place / "socket") == 0o700
    assert Path(f"/proc/{desk.postmaster}").stat().st_uid != 0, "PostgreSQL never runs as root"
    assert mode(desk.folder.parent) == 0o700, "a folder that the desk did not make keeps its permissions"

    for name in ("tick", "steady"):
        found = Path(f"/proc/{desk.pid_of(name)}/environ").read_bytes()
        assert b"DATABASE_URL=" in found
        assert b"DATABASE_OWNER_URL=" not in found, "the tables' owner is for migrations alone"
    assert any("APP_ENV is development" in line for line in desk.lines), "a forgotten APP_ENV is not silent"

    first = desk.pid_of("tick")
    steady = desk.pid_of("steady")
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: desk.pid_of("tick") != first and alive(desk.pid_of("tick")), seconds=2)
    assert desk.pid_of("steady") == steady, "the others are not disturbed"

    code, said = desk.output_of("run", "--no-demo")
    assert code == 1
    assert "already runs" in said

    processes = [desk.postmaster, desk.valkey, desk.pid_of("tick"), steady]
    code, seconds = desk.stop()
    assert code == 0
    assert seconds < STOP_S
    assert not any(alive(pid) for pid in processes)
    assert any("steady | leaving" in line for line in desk.lines), "a process is asked, with TERM, before it is killed"


def test_a_second_start_is_quick_and_keeps_the_data(desk: Desk) -> None:
    desk.start("--only", "steady")
    assert not (desk.folder / "tick.pid").exists()
    keys = (desk.home / "keys.json").read_text()
    desk.stop()
    assert desk.start() < SECOND_START_S
    assert "PostgreSQL started" in desk.lines
    assert (desk.home / "keys.json").read_text() == keys
    assert desk.stop(signal.SIGTERM)[0] == 0


def test_what_a_killed_run_left_is_taken_over_or_ended(open_desk: Desk) -> None:
    """A run that dies by kill -9 leaves servers and processes; the next one begins in order all the same."""
    open_desk.start()
    left = open_desk.pid_of("steady")
    assert open_desk.run is not None
    open_desk.run.kill()
    open_desk.run.wait()
    assert alive(left)
    assert open_desk.place == open_desk.home / "postgres", "a folder that the service user reaches is used"

    postmaster, valkey = open_desk.postmaster, open_desk.valkey
    open_desk.start()
    assert not alive(left)
    assert (open_desk.postmaster, open_desk.valkey) == (postmaster, valkey)

    os.kill(open_desk.run.pid, signal.SIGKILL)
    os.kill(postmaster, signal.SIGKILL)
    os.kill(valkey, signal.SIGKILL)
    open_desk.run.wait()
    open_desk.start()  # a database that was killed is mended first, which takes what the machine has left to give
    assert open_desk.postmaster != postmaster
    assert open_desk.stop()[0] == 0


def test_a_server_that_is_slow_is_waited_for_and_taken_over(open_desk: Desk) -> None:
    """On a busy machine a well PostgreSQL had five seconds to answer, Valkey two: then they were taken for dead."""
    open_desk.start()
    servers = open_desk.postmaster, open_desk.valkey
    assert open_desk.run is not None
    open_desk.run.kill()
    open_desk.run.wait()
    for server in servers:
        os.kill(server, signal.SIGSTOP)
    starting = threading.Thread(target=open_desk.start)
    open_desk.lines = []
    starting.start()
    try:
        for name, server in zip(("PostgreSQL", "Valkey"), servers, strict=True):
            slow = f"{name} is slow to answer"
            assert eventually(lambda slow=slow: any(slow in line for line in open_desk.lines), seconds=40)  # type: ignore[misc]
            os.kill(server, signal.SIGCONT)
    finally:
        for server in servers:
            os.kill(server, signal.SIGCONT)
        starting.join()
    assert {"PostgreSQL taken over", "Valkey taken over"} <= set(open_desk.lines)
    assert (open_desk.postmaster, open_desk.valkey) == servers
    assert open_desk.stop()[0] == 0


def test_servers_that_die_are_started_again_where_they_were(open_desk: Desk) -> None:
    open_desk.start()
    postmaster, valkey = open_desk.postmaster, open_desk.valkey
    os.kill(postmaster, signal.SIGKILL)
    os.kill(valkey, signal.SIGKILL)
    open_desk.wait_for("died; starting again", seconds=60)

    def back() -> bool:
        try:
            now = (open_desk.postmaster, open_desk.valkey)  # a killed one is still named until another has its place
            return all(map(alive, now)) and now[0] != postmaster and now[1] != valkey
        except FileNotFoundError:  # between two postmasters
            return False

    assert eventually(back, seconds=60)
    assert open_desk.stop()[0] == 0


def test_demo_accounts_are_not_shown_to_the_world(desk: Desk) -> None:
    code, said = desk.output_of("run", HOST="0.0.0.0")
    assert code == 1
    assert "--demo-public" in said
    assert not (desk.home / "postgres").exists(), "nothing is begun before the refusal"


def test_a_process_the_procfile_lacks_is_refused(desk: Desk) -> None:
    code, said = desk.output_of("run", "--only", "wep")
    assert code == 1
    assert "it has tick, steady" in said


@pytest.mark.slow
def test_a_long_path_gets_its_sockets_elsewhere(open_desk: Desk) -> None:
    open_desk.home = open_desk.folder / ("a" * 90)
    if os.geteuid() == 0:  # else root's data, and with it the sockets, would lie in /var/lib/quittance
        open_desk.hand_to_nobody()
    open_desk.start()
    sockets = Path(json.loads((open_desk.home / "postgres.json").read_text())["sockets"])
    assert mode(sockets) == 0o700
    assert len(os.fsencode(sockets / ".s.PGSQL.5432")) <= 100
    assert (sockets / ".s.PGSQL.5432").is_socket()
    assert open_desk.stop()[0] == 0


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="already an ordinary user")
def test_an_ordinary_user_runs_it_inside_his_folder(open_desk: Desk) -> None:
    open_desk.hand_to_nobody()
    open_desk.start()
    assert Path(f"/proc/{open_desk.postmaster}").stat().st_uid == NOBODY
    assert open_desk.place == open_desk.home / "postgres"
    assert open_desk.stop()[0] == 0


@pytest.mark.slow
def test_the_pause_grows_while_a_process_keeps_dying(desk: Desk) -> None:
    (desk.folder / "Procfile").write_text("release: true\nsick: sh -c 'exit 3'\n")
    desk.start()
    desk.wait_for("starting it again in 8 s", seconds=60)
    pauses = [line.split(" in ")[1] for line in desk.lines if "starting it again in" in line]
    assert pauses == ["0.5 s", "1 s", "2 s", "4 s", "8 s"]
    assert desk.stop()[0] == 0
