"""Lists, a page at a time or all of it."""
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from quittance.core import Call

if TYPE_CHECKING:
    from quittance.aio.client import AsyncQuittance

T = TypeVar("T")


class Page(Generic[T]):
    """Newest first. Walk through it for all rows from here on, further pages included; or look at `data` alone."""

    def __init__(self, desk: "AsyncQuittance", path: str, query: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        self._desk, self._path, self._query = desk, path, query
        self.data: list[T] = answer["data"]
        self.next_cursor: str | None = answer.get("next_cursor")

    async def next(self) -> "Page[T] | None":
        """The page after this one. A page may be short, or empty, and still not be the last."""
        if self.next_cursor is None:
            return None
        return await listed(self._desk, self._path, {**self._query, "cursor": self.next_cursor})

    async def __aiter__(self) -> AsyncIterator[T]:
        page: Page[T] | None = self
        while page is not None:
            for one in page.data:
                yield one
            page = await page.next()


async def listed(desk: "AsyncQuittance", path: str, query: Mapping[str, Any]) -> Page[Any]:
    return Page(desk, path, query, await desk.send(Call("GET", path, query)))


class Calls:
    """Calls of one subject."""

    def __init__(self, desk: "AsyncQuittance") -> None:
        self._desk = desk

    async def _get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        return await self._desk.send(Call("GET", path, query or {}))

    async def _do(self, method: str, path: str, key: str | None, body: Mapping[str, Any] | None = None) -> Any:
        return await self._desk.send(Call(method, path, body=body, key=key))
