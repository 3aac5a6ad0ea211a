"""The stage of a test: its own database, folder of files, wire and processes."""
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import factories as f
from tests.killed.nursery import ForkedDesk
from tests.killed.stage import Stage
from tests.killed.wire import wire_to
from tests.payouts.conftest import prefund
from tests.tasks.record import Record


@pytest.fixture
def stage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, fresh_database: str,
          url_of: Callable[[str, str], str], tmp_path: Path) -> Iterator[Stage]:
    """No process of it runs yet: a test first makes what is to be there."""
    monkeypatch.setenv("FILES_FOLDER", str(tmp_path / "files"))
    app = request.getfixturevalue("fresh_app")  # which keeps its files in that folder, too
    with wire_to(os.environ["DATABASE_URL"]) as wire:
        by_wire = wire.url(os.environ["DATABASE_URL"])
        desk = ForkedDesk(fresh_database, tmp_path / "desk.log", {
            "DATABASE_URL": by_wire, "DATABASE_DIRECT_URL": by_wire})
        try:
            yield Stage(desk, wire, Record(url_of(fresh_database, "owner")), tmp_path / "files", app)
        finally:
            desk.stop()


@pytest.fixture
def cast(stage: Stage) -> f.Cast:
    """Two traders who take payins and payouts, and a store with money."""
    made = f.new_cast()
    for _ in range(2):
        made.requisite(payout=True)
    prefund(made, "50000.000000")
    return made
