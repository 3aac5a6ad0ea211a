"""Books on the worker's database, and whole books on a clone of their own."""
from collections.abc import Callable, Iterator

import pytest

from tests.ledger.world import Books, Cast, open_books


@pytest.fixture
def books(database: str, url_of: Callable[[str, str], str]) -> Iterator[Books]:
    with open_books(url_of(database, "app")) as opened:
        yield opened


@pytest.fixture
def whole_books(fresh_database: str, url_of: Callable[[str, str], str]) -> Iterator[Books]:
    with open_books(url_of(fresh_database, "app")) as opened:
        yield opened


@pytest.fixture
def cast() -> Cast:
    return Cast()
