"""An answer's head and the beginning of its body go out in one piece; a head with nothing to follow does not wait."""
import asyncio

from portal.server.http_limits import WholeAnswers

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Pieces(asyncio.Transport):
    """A transport that only notes what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed_after: int | None = None

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closed_after is not None

    def close(self) -> None:
        self.closed_after = len(self.written)

    def abort(self) -> None:
        self.close()

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def written(act) -> Pieces:
    async def run() -> Pieces:
        pieces = Pieces()
        await act(WholeAnswers(pieces, asyncio.get_running_loop()))
        return pieces
    return asyncio.run(run())


def test_head_and_body_are_one_piece_and_what_follows_are_others():
    async def act(transport):
        transport.write(HEAD)
        transport.write(b"body")
        transport.write(b"more")
        await asyncio.sleep(0)
    assert written(act).written == [HEAD + b"body", b"more"]


def test_a_head_alone_waits_for_no_more_than_a_turn_of_the_loop():
    async def act(transport):
        transport.write(HEAD)
        assert transport.get_write_buffer_size() == len(HEAD)
        await asyncio.sleep(0)
        transport.write(b"late")
    assert written(act).written == [HEAD, b"late"]


def test_two_answers_in_a_row_are_not_mixed_and_closing_loses_none():
    async def act(transport):
        transport.write(HEAD)
        transport.write(b"one")
        transport.write(HEAD)
        transport.close()
    pieces = written(act)
    assert pieces.written == [HEAD + b"one", HEAD]
    assert pieces.closed_after == len(pieces.written)


def test_an_aborted_connection_says_nothing_more():
    async def act(transport):
        transport.write(HEAD)
        transport.abort()
        await asyncio.sleep(0)
    assert written(act).written == []
