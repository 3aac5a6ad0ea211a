"""Who waits too long is let go, and only who does."""
import asyncio

import pytest

from portal.server.timeouts import Timeouts

LIMIT_S = 0.05


async def at_once(value: str) -> str:
    return value


async def never() -> None:
    await asyncio.Event().wait()


def test_what_comes_in_time_is_handed_on() -> None:
    async def asked() -> str:
        return await Timeouts(LIMIT_S).with_each(at_once("body"))

    assert asyncio.run(asked()) == "body"


def test_who_waits_too_long_hears_so_and_can_go_on() -> None:
    async def asked() -> str:
        with pytest.raises(TimeoutError):
            await Timeouts(LIMIT_S).with_each(never())
        await asyncio.sleep(0)  # nothing of the cancellation is left
        return "answered"

    assert asyncio.run(asked()) == "answered"


def test_each_has_its_own_time() -> None:
    """The second comes when the first has waited for nearly all of its time; the look that ends the first spares it."""
    async def asked() -> list[object]:
        patience, second = Timeouts(40 * LIMIT_S), asyncio.Event()
        first = asyncio.create_task(patience.with_each(never()))
        await asyncio.sleep(32 * LIMIT_S)
        other = asyncio.create_task(patience.with_each(second.wait()))
        await asyncio.wait([first])
        second.set()
        return await asyncio.gather(first, other, return_exceptions=True)

    ended, answered = asyncio.run(asked())
    assert isinstance(ended, TimeoutError)
    assert answered is True


def test_somebody_elses_cancellation_is_passed_on() -> None:
    async def asked() -> None:
        waiting = asyncio.create_task(Timeouts(60).with_each(never()))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(asked())


def test_nobody_is_looked_at_when_nobody_waits() -> None:
    async def asked() -> int:
        patience = Timeouts(LIMIT_S)
        await patience.with_each(at_once("body"))
        await asyncio.sleep(LIMIT_S / 2)  # the look that was due has found nobody, and asked for no other
        return len([handle for handle in asyncio.get_running_loop()._scheduled if not handle.cancelled()])  # type: ignore[attr-defined]

    assert asyncio.run(asked()) == 0
