"""Where the bytes lie: behind one small Protocol, chosen by the settings."""
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from portal.core.errors import Unavailable


class StorageAway(Unavailable):
    """The desk cannot reach its files just now. Try again in a moment."""

    code = "storage_unavailable"


class Storage(Protocol):
    """Keys are ours and random. All raise StorageAway."""

    def put(self, key: str, content: bytes) -> None: ...

    def get(self, key: str) -> bytes: ...

    def delete(self, key: str) -> None:
        """Harmless twice."""

    def older(self, start: str, before: datetime) -> Iterator[str]:
        """Keys whose first two signs are `start`, last written before that moment, in no order; also of what was only
        half written, so that it can be deleted."""


class LocalFolder:
    """A folder of this machine; a file is whole or not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, content: bytes) -> None:
        path = self._path(key)
        half = path.with_name(f"{path.name}.{uuid4().hex}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(half, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            half.replace(path)
        except OSError as problem:
            raise StorageAway() from problem

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except OSError as problem:
            raise StorageAway() from problem

    def delete(self, key: str) -> None:
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as problem:
            raise StorageAway() from problem

    def older(self, start: str, before: datetime) -> Iterator[str]:
        try:
            for path in (self._folder / start).iterdir():
                if path.stat().st_mtime < before.timestamp():
                    yield path.name
        except FileNotFoundError:
            return
        except OSError as problem:
            raise StorageAway() from problem

    def _path(self, key: str) -> Path:
        assert key.replace(".", "").isalnum(), "keys are ours"
        return self._folder / key[:2] / key


_storage: Storage = LocalFolder(Path("var/files"))


def configure(storage: Storage) -> None:
    """Called once by the application factory."""
    global _storage
    _storage = storage


def storage() -> Storage:
    return _storage
