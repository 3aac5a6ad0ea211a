"""The record of a test's own database."""
from collections.abc import Callable

import pytest

from tests.tasks.record import Record


@pytest.fixture
def record(fresh_database: str, url_of: Callable[[str, str], str]) -> Record:
    return Record(url_of(fresh_database, "owner"))
