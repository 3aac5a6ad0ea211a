"""The database as the event loop uses it: one connection, each statement a transaction of its own.

Straight through psycopg, for hot statements only: a session and its pool cost four times what the statement does.
"""
from collections.abc import Callable
from typing import Any, TypeVar

from psycopg import AsyncConnection
from psycopg import Error as DriverError
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from portal.core.db import engine_options, gathered
from portal.core.db_outage import is_away, patient
from portal.core.pipeline import Rows

R = TypeVar("R")


class LoopDatabase:
    """Made with the first statement, and anew after it went away. One statement at a time: so does `GroupCommit`."""

    def __init__(self, engine: Engine, *, prepared: bool = True) -> None:
        """To the same server as this engine, of which nothing else is used."""
        named: dict[str, Any] = engine.dialect.create_connect_args(engine.url)[1]  # type: ignore[assignment]
        self._arguments = named | engine_options("loop", pool_size=1, prepared=prepared)["connect_args"]
        self._connection: AsyncConnection[Any] | None = None

    async def run(self, statement: str, parameters: Any, then: Callable[[Session, Rows], R]) -> R:
        """`pipeline.autocommit` for the event loop: what `then` makes of the answer. Raises OutcomeUnknown and
        psycopg's errors.

        `then` may promise effects in the session that it is given, which knows no database. They run on the loop and
        must not wait: wake-ups go by `LoopWaker`, publications by a thread of their own.
        """
        if self._connection is None or self._connection.closed:
            self._connection = await AsyncConnection.connect(**self._arguments, autocommit=True)
        found = await self._answer(self._connection, statement, parameters)
        with gathered(session := Session()) as effects:
            done = then(session, found)
        for effect in effects.values():
            effect()
        return done

    async def _answer(self, connection: AsyncConnection[Any], statement: str, parameters: Any) -> Rows:
        try:
            with patient(connection):
                return await (await connection.execute(statement, parameters)).fetchall()
        except DriverError as error:
            if is_away(error):  # a server that can no longer write has not hung up on us
                self._connection = None
                await connection.close()
            raise

    async def close(self) -> None:
        """On the loop that has used it."""
        if self._connection is not None:
            await self._connection.close()
