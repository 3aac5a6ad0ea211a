"""A desk that is born by fork starts and fails to start as any desk does."""
import re
import socket
from pathlib import Path

import pytest

from tests.killed.nursery import ForkedDesk


def test_its_web_starts_or_says_why_it_did_not(fresh_database: str, tmp_path: Path) -> None:
    """A Desk came to ask whether its web still lives, which one born here could not say: no test of it got further."""
    desk = ForkedDesk(fresh_database, tmp_path / "desk.log")
    try:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", desk.port))
            with pytest.raises(AssertionError, match=re.compile("the web process ended.*in use", re.DOTALL)):
                desk.start("web")
        desk.start("web")
    finally:
        desk.stop()
