"""One act of the staff on one record: its transaction, and the record as it is now when it is refused."""
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from portal.core.db import transaction
from portal.web.render import redisplay


@contextmanager
def act(page: str, context: Callable[..., dict[str, Any]], *record: str) -> Iterator[Session]:
    """A transaction; what a service refuses shows `page` again with `context(*record)` as it is then: 422 or 409."""
    with redisplay(page, lambda: context(*record)), transaction() as session:
        yield session
