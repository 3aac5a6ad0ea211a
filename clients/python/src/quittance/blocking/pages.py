"""Made of quittance/aio/pages.py by bin/clients: change that one."""
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from quittance.core import Call

if TYPE_CHECKING:
    from quittance.blocking.client import Quittance

T = TypeVar("T")


class Page(Generic[T]):
    """Newest first. Walk through it for all rows from here on, further pages included; or look at `data` alone."""

    def __init__(self, desk: "Quittance", path: str, query: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        self._desk, self._path, self._query = desk, path, query
        self.data: list[T] = answer["data"]
        self.next_cursor: str | None = answer.get("next_cursor")

    def next(self) -> "Page[T] | None":
        """The page after this one. A page may be short, or empty, and still not be the last."""
        if self.next_cursor is None:
            return None
        return listed(self._desk, self._path, {**self._query, "cursor": self.next_cursor})

    def __iter__(self) -> Iterator[T]:
        page: Page[T] | None = self
        while page is not None:
            for one in page.data:
                yield one
            page = page.next()


def listed(desk: "Quittance", path: str, query: Mapping[str, Any]) -> Page[Any]:
    return Page(desk, path, query, desk.send(Call("GET", path, query)))


class Calls:
    """Calls of one subject."""

    def __init__(self, desk: "Quittance") -> None:
        self._desk = desk

    def _get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        return self._desk.send(Call("GET", path, query or {}))

    def _do(self, method: str, path: str, key: str | None, body: Mapping[str, Any] | None = None) -> Any:
        return self._desk.send(Call(method, path, body=body, key=key))
