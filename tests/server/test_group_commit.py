"""Group commit on an event loop: company when there is some, nobody left behind."""
import asyncio
from collections.abc import Sequence

from portal.server import group_commit
from portal.server.group_commit import GroupCommit


def batches_of(pieces: int) -> tuple[list[int], list[list[int]]]:
    """What came of so many pieces brought at once, and how they were taken."""
    taken: list[list[int]] = []

    async def doubled(batch: Sequence[int]) -> list[int | None]:
        taken.append(list(batch))
        await asyncio.sleep(0)
        return [2 * piece for piece in batch]

    async def bring() -> list[int]:
        batcher: GroupCommit[int, int] = GroupCommit("test", doubled)
        return await asyncio.gather(*[batcher.submit(piece) for piece in range(pieces)])

    return asyncio.run(bring()), taken


def test_what_comes_together_is_done_together_and_each_hears_of_its_own() -> None:
    outcomes, taken = batches_of(120)
    assert outcomes == [2 * piece for piece in range(120)]
    assert [len(batch) for batch in taken] == [group_commit.BATCH_MAX, group_commit.BATCH_MAX, 20]


def test_one_alone_waits_for_nobody() -> None:
    assert batches_of(1) == ([0], [[0]])


def test_a_batch_that_fails_is_each_ones_own_business_and_the_next_is_done() -> None:
    async def fails_once(batch: Sequence[int]) -> list[int | None]:
        if 0 in batch:
            raise ConnectionError("away")
        return list(batch)

    async def bring() -> tuple[list[int | None], int | None]:
        batcher: GroupCommit[int, int] = GroupCommit("test", fails_once)
        failed = await asyncio.gather(batcher.submit(0), batcher.submit(1))
        return failed, await batcher.submit(2)

    assert asyncio.run(bring()) == ([None, None], 2)


def test_a_piece_whose_sender_left_holds_up_nobody() -> None:
    async def bring() -> int | None:
        batcher: GroupCommit[int, int] = GroupCommit("test", lambda batch: _later(list(batch)))
        left, stayed = batcher.submit(1), batcher.submit(2)
        left.cancel()
        return await stayed

    assert asyncio.run(bring()) == 2


def test_who_waits_for_a_drain_that_is_cancelled_hears_of_it() -> None:
    async def bring() -> int | None:
        batcher: GroupCommit[int, int] = GroupCommit("test", lambda batch: _later(list(batch), 60))
        waiting = batcher.submit(1)
        await asyncio.sleep(0)
        assert batcher._draining is not None
        batcher._draining.cancel()
        return await waiting

    assert asyncio.run(bring()) is None


def test_who_comes_after_company_waits_for_more_and_who_comes_after_one_alone_does_not() -> None:
    async def bring() -> list[float]:
        begun, loop = list[float](), asyncio.get_running_loop()

        async def noted(batch: Sequence[int]) -> list[int | None]:
            begun.append(loop.time())
            return list(batch)

        batcher: GroupCommit[int, int] = GroupCommit("test", noted, apart_s=0.2)
        came = loop.time()
        await batcher.submit(1)  # alone, and so is who comes right after
        await asyncio.gather(batcher.submit(2), batcher.submit(3))
        await batcher.submit(4)  # after company
        return [begun[1] - came, begun[2] - begun[1]]

    together, after = asyncio.run(bring())
    assert together < 0.1
    assert after >= 0.2


def test_who_waits_for_company_hears_of_a_drain_that_is_cancelled() -> None:
    async def bring() -> list[int | None]:
        batcher: GroupCommit[int, int] = GroupCommit("test", lambda batch: _later(list(batch)), apart_s=60)
        first, _ = await asyncio.gather(batcher.submit(1), batcher.submit(1))
        waiting = batcher.submit(2)
        await asyncio.sleep(0)
        assert batcher._draining is not None
        batcher._draining.cancel()
        return [first, await waiting]

    assert asyncio.run(bring()) == [1, None]


async def _later(outcomes: list[int | None], after_s: float = 0) -> list[int | None]:
    await asyncio.sleep(after_s)
    return outcomes
