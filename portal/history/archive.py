"""The file of a month: rows as PostgreSQL's COPY writes them, compressed, beside a manifest that says what it holds."""
import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

from portal.core import seals
from portal.core.archived_months import Sum
from portal.core.seals import SEALED, Sealed
from portal.history.months import partition

FORMAT = "quittance-history-1"
COMPRESSED = 6  # of nine: twice as fast as the last for some hundredths more


class Refused(Exception):
    """A month is not moved, and the sentence says why; nothing was changed. Of the command line alone."""


class ArchiveDiffers(Refused):
    """The archive is not what was written."""


@dataclass(frozen=True)
class Manifest:
    """`sha256`: of the lines; `file_sha256`: of the file as it lies. `sum` and the transactions: of a sealed table."""

    table: str
    month: str
    columns: Sequence[str]
    rows: int
    sha256: str
    sum: str | None
    first_transaction: int | None
    last_transaction: int | None
    file_sha256: str = ""
    archived_at: str = ""
    format: str = FORMAT


class Tally:
    """Counts and hashes lines as they pass."""

    def __init__(self, table: str) -> None:
        self.sealed: Sealed | None = next((each for each in SEALED if each.table == table), None)
        self.rows, self._sha256, self.sum = 0, hashlib.sha256(), Sum()
        self.first: int | None = None
        self.last: int | None = None

    def add(self, line: bytes) -> None:
        self.rows += 1
        self._sha256.update(line)
        if self.sealed is not None:
            key, hash = seals.entry_of(self.sealed, line)
            self.sum.add(key + hash)
            at = transaction_of(self.sealed, line)
            self.first, self.last = at if self.first is None else min(self.first, at), max(self.last or 0, at)

    @property
    def sha256(self) -> bytes:
        return self._sha256.digest()

    def manifest(self, table: str, month: date, columns: Sequence[str]) -> Manifest:
        summed = self.sealed is not None and self.rows > 0
        return Manifest(table, f"{month:%Y-%m}", tuple(columns), self.rows, self.sha256.hex(),
                        self.sum.value.hex() if summed else None, self.first, self.last)


def transaction_of(sealed: Sealed, line: bytes) -> int:
    """The transaction that wrote a row."""
    at = sealed.columns.index("transaction_id")
    return int(line.split(b"\t", at + 1)[at])


def file_of(folder: Path, table: str, month: date) -> Path:
    return folder / f"{partition(table, month)}.copy.gz"


def manifest_of(folder: Path, table: str, month: date) -> Path:
    return folder / f"{partition(table, month)}.json"


def write(folder: Path, table: str, month: date, columns: Sequence[str], lines: Iterable[bytes | memoryview], *,
          archived_at: str) -> Manifest:
    """The rows into a file under another name until it is whole; the manifest last. For the owner's eyes alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target, tally = file_of(folder, table, month), Tally(table)
    making = target.with_suffix(".making")
    with open(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw:
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=COMPRESSED, mtime=0) as packed:
            for piece in lines:
                tally.add(line := bytes(piece))
                packed.write(line)
        raw.flush()
        os.fsync(raw.fileno())
    made = replace(tally.manifest(table, month, columns), file_sha256=_sha256_of(making), archived_at=archived_at)
    making.replace(target)
    told = manifest_of(folder, table, month)
    making_told = told.with_suffix(".making-json")
    with open(os.open(making_told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as written:
        json.dump(asdict(made), written, indent=2)
        written.flush()
        os.fsync(written.fileno())
    making_told.replace(told)
    _settle(folder)
    return made


def read(folder: Path, table: str, month: date) -> Manifest:
    """What the file holds, every byte of it read back. Raises ArchiveDiffers."""
    manifest = _manifest(folder, table, month)
    file, tally = file_of(folder, table, month), Tally(table)
    try:
        if _sha256_of(file) != manifest.file_sha256:
            raise ArchiveDiffers(f"{file}: is not the file that its manifest names")
        for line in lines(folder, table, month):
            tally.add(line)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise ArchiveDiffers(f"{file}: cannot be read: {error}") from error
    found = tally.manifest(table, month, manifest.columns)
    if any(getattr(found, name) != getattr(manifest, name)
           for name in ("rows", "sha256", "sum", "first_transaction", "last_transaction")):
        raise ArchiveDiffers(f"{file}: its rows are not those that its manifest counts")
    return manifest


def lines(folder: Path, table: str, month: date) -> Iterator[bytes]:
    """The rows of a file, one by one, line end included."""
    with gzip.open(file_of(folder, table, month), "rb") as packed:
        yield from packed


def stands(folder: Path, table: str, month: date) -> bool:
    """Whether an archive was written here, be it right or wrong."""
    return manifest_of(folder, table, month).exists()


def _manifest(folder: Path, table: str, month: date) -> Manifest:
    path = manifest_of(folder, table, month)
    try:
        said: dict[str, Any] = json.loads(path.read_text("utf-8"))
        made = Manifest(**{field.name: said[field.name] for field in fields(Manifest)})
        made = replace(made, columns=tuple(made.columns))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArchiveDiffers(f"{path}: is no manifest of an archived month: {error!r}") from error
    if (made.format, made.table, made.month) != (FORMAT, table, f"{month:%Y-%m}"):
        raise ArchiveDiffers(f"{path}: is of another table, month or format")
    return made


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _settle(folder: Path) -> None:
    """The names of files are kept as well, whatever the machine does next."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
