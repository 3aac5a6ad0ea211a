"""What a killed server leaves for some moments: a process that vanishes while it is looked at, memory that is held."""
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from launcher.account import is_program
from tests.running import wait_for
from tests.tasks.servers import OwnPostgres, own_postgres

HELD_TIMES = 12  # more than the tries that any other failure gets


def test_a_process_that_vanishes_while_it_is_looked_at_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux says ESRCH to who has opened its file already; one look in three met that, and bin/run ended by it."""
    process = subprocess.Popen(["sleep", "60"])
    opened = Path.open

    def and_then_dead(path: Path, *how: object, **more: object) -> object:
        file = opened(path, *how, **more)  # type: ignore[call-overload]
        process.kill()
        process.wait()
        return file

    # Popen comes back while the kernel is still laying out the program's arguments: for a moment there are none
    wait_for(lambda: is_program(process.pid, "sleep"), "it is what it was started as")
    monkeypatch.setattr(Path, "open", and_then_dead)
    assert not is_program(process.pid, "sleep")


@pytest.mark.slow
def test_memory_that_a_killed_server_still_holds_is_waited_for(tmp_path: Path) -> None:
    """A backend that does not come to notice the death, as on a machine that is busy."""
    with own_postgres(tmp_path / "home") as server:
        postmaster, log = _pid(server), server.server.data / "server.log"
        stuck = _a_child_of(postmaster)
        os.kill(stuck, signal.SIGSTOP)
        os.kill(postmaster, signal.SIGKILL)
        wait_for(lambda: not server.server.alive(), "it is dead")
        starting = threading.Thread(target=server.start)
        starting.start()
        try:
            wait_for(lambda: log.read_text().count("pre-existing shared memory block") >= HELD_TIMES, "it is held", 60)
        finally:
            os.kill(stuck, signal.SIGCONT)
            starting.join()
        assert server.server.alive()
        assert _pid(server) != postmaster


def _pid(server: OwnPostgres) -> int:
    return int((server.server.data / "postmaster.pid").read_text().split()[0])


def _a_child_of(postmaster: int) -> int:
    return int(Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()[0])
