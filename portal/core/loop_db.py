"""The database as the event loop uses it: whoever has something to do goes on while a statement is under way.

Beside `core.db` and with its rules, on connections of its own; what runs here is the same code that threads run.
"""
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from portal.core.db import engine_options, gathered, translated

R = TypeVar("R")


def open_engine(url: Any) -> AsyncEngine:
    """One connection, made with the first statement; each statement is a transaction of its own."""
    return create_async_engine(url, **engine_options("loop", pool_size=1), isolation_level="AUTOCOMMIT")


async def at_once(engine: AsyncEngine, act: Callable[[Session], R]) -> R:
    """`db.at_once` for the event loop: what `act` makes of its one statement. Errors as there.

    Effects run on the loop and must not wait: wake-ups go by `LoopWaker`, publications by a thread of their own.
    """
    async with AsyncSession(engine, expire_on_commit=False) as session:
        with gathered(session.sync_session) as effects, translated():
            done = await session.run_sync(act)
        for effect in effects.values():  # before the connection is given back: somebody waits to be woken
            effect()
    return done
