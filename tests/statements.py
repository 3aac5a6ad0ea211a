"""What the application says to the database."""
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

ENGINES = frozenset({"quittance-web", "quittance-worker"})  # as they name their connections; not the listener for keys


@contextmanager
def heard(note: Callable[[str, Any], None]) -> Iterator[None]:
    """`note` hears every statement that this process's engine sends inside the block, and its parameters.

    At psycopg, since hot statements go there straight. Of many at once the parameters of the first.
    """
    one, many = psycopg.Cursor.execute, psycopg.Cursor.executemany

    def execute(self: Any, query: Any, params: Any = None, **more: Any) -> Any:
        _pass_on(self, query, params)
        return one(self, query, params, **more)

    def executemany(self: Any, query: Any, params_seq: Any, **more: Any) -> Any:
        rows = list(params_seq)
        _pass_on(self, query, rows[0] if rows else None)
        return many(self, query, rows, **more)

    def _pass_on(cursor: Any, query: Any, params: Any) -> None:
        if cursor.connection.info.parameter_status("application_name") in ENGINES:
            note(str(query), params)

    psycopg.Cursor.execute, psycopg.Cursor.executemany = execute, executemany  # type: ignore[method-assign]
    try:
        yield
    finally:
        psycopg.Cursor.execute, psycopg.Cursor.executemany = one, many  # type: ignore[method-assign]


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL sent inside the block."""
    seen: list[str] = []
    with heard(lambda statement, parameters: seen.append(statement)):
        yield seen
