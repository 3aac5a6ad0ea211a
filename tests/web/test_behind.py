"""Lists are read from a standby, and who has just written finds it: two real servers, the second held back."""
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from portal.core import replica
from portal.core.db import db
from tests import people
from tests.conftest import _application, _in_context
from tests.running import ROOT, wait_for
from tests.tasks.cluster import STANDBY_PORT, Pair, pair_of
from tests.tasks.record import cast_of_four
from tests.tasks.servers import own_postgres

DATABASE = "quittance"
pytestmark = pytest.mark.slow


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with (own_postgres(tmp_path / "home", durable=True) as first, pair_of(first) as made,
          pytest.MonkeyPatch.context() as patch):
        for name, url in first.urls.items():
            patch.setenv(name, url)
        subprocess.run([sys.executable, "-m", "flask", "db", "upgrade"], cwd=ROOT, check=True, capture_output=True,
                       env={**os.environ, "FLASK_APP": "wsgi.py"})
        made.follow()
        patch.setenv("DATABASE_REPLICA_URL", first.urls["DATABASE_URL"] + f"&port={STANDBY_PORT}")
        yield made


@pytest.fixture
def app(pair: Pair, redis_url: str) -> Iterator[Flask]:
    with _application(DATABASE, redis_url) as made, _in_context(made):
        yield made
        made.extensions[replica.KEY].dispose()


def test_a_list_may_be_behind_for_others_and_never_for_who_wrote(app: Flask, pair: Pair):
    cast = cast_of_four()
    before, writer, other = cast.order("100.00"), staff(app), staff(app)
    wait_for(lambda: before.public_id in other.get("/admin/orders").text, "the standby has come so far")
    pair.hold_back()
    after = cast.order("200.00")
    assert after.public_id not in other.get("/admin/orders").text, "it was read from the standby"
    assert after.public_id in other.get("/admin/orders", headers={"HX-Request": "true"}).text, "a page that was told"
    assert after.public_id in other.get(f"/admin/orders/{after.public_id}").text, "whoever acts on it sees it as it is"
    assert writer.send("/profile/preferences", {"locale": "en", "time_zone": "Asia/Almaty"}).status_code < 400
    assert after.public_id in writer.get("/admin/orders").text, "the standby has not come as far as what he wrote"
    pair.let_go()
    wait_for(lambda: after.public_id in other.get("/admin/orders").text, "it goes on")
    _who_takes_a_file_is_noted(other)
    pair.standby_off()
    assert after.public_id in other.get("/admin/orders").text, "without its standby the desk reads where it writes"


def _who_takes_a_file_is_noted(person: people.Seat) -> None:
    """The row in the audit is written to the primary, and the file is read from the standby."""
    taken = person.take("/admin/orders/export.csv")
    assert taken.status_code == 200
    assert taken.data.count(b"pin_") == 2
    with db.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM audit_rows WHERE action LIKE '%export%'")).scalar() == 1


def staff(app: Flask) -> people.Seat:
    return people.seat(app, people.person("super_admin"))
