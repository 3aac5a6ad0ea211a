"""A new web gets its share of calls at once: in a rehearsed upgrade the first of each had waited for half a second."""
import subprocess
import sys

import pytest

from tests.running import ROOT, Desk

STARTED = """
import asyncio, os
import asgi
from portal import reference
from portal.core import db
from portal.parties import key_invalidation
from tests.waiting import until

assert all(mapper.configured for mapper in db.Base.registry.mappers), "before settle"

async def started():
    async with asgi.serving():
        with db.remembered_only(asgi.fast._engine):
            assert reference.snapshot().currencies, "read, and kept for the loop"
        assert until(lambda: key_invalidation.of(asgi.fast._engine).is_listening, 10), "for keys that are revoked"
        print("all of it", flush=True)
        os._exit(0)

asyncio.run(started())
"""


@pytest.mark.slow
def test_what_every_create_looks_for_is_there_before_the_first(database, tmp_path):
    environment = Desk(database, tmp_path / "desk.log").environment
    done = subprocess.run([sys.executable, "-c", STARTED], cwd=ROOT, env=environment, capture_output=True, text=True,
                          check=False)
    assert done.stdout.splitlines()[-1:] == ["all of it"], done.stderr
