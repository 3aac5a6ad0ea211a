"""House tests read the sources."""
import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_finalized_while_sources_are_parsed() -> Iterator[None]:
    """CPython 3.11: a finalizer that runs in the middle of `ast.parse` (of what an earlier test left) breaks it."""
    gc.disable()
    yield
    gc.enable()
