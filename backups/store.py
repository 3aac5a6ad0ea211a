"""The folder of backups: what lies where, what is there, and what is kept for how long.

    <id>/database, <id>/keys, <id>/manifest     one backup; its manifest is written last, so half a backup has none
    <id>/checked                                 what became of its last trial restore
    wal/<chain>/<segment>                        the log of one server, in order; a restored desk begins another chain
    files/<two signs>/<key>                      receipts and documents, each once: they never change
"""
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from backups import sealing
from backups.timelines import HISTORY, SEGMENT_CHARS, Way, place
from launcher.say import Trouble

STAMP = "%Y%m%dT%H%M%SZ"
HALF_FOR = timedelta(days=1)  # what was begun and never finished is cleared away after it
GONE = ".gone"  # of a kept file that the desk has no more


@dataclass(frozen=True)
class Manifest:
    """What one backup is. `kind`: a copy of the server (base) or of the database's content (dump)."""

    id: str
    kind: Literal["base", "dump"]
    took_s: float
    bytes: int
    key: str  # fingerprint of the key it is sealed with
    chain: str  # of its log; empty where none is kept
    first_segment: str  # of the log that its restore needs; empty in a dump
    server: str
    owner: str  # the role that owns the tables
    production: bool
    files: str  # where they lay: folder, or a bucket that is not in here
    as_large: dict[str, str] = field(default_factory=dict)  # settings of a server elsewhere; empty: the launcher's own
    whole_at: str = "0/0"  # place in the log at which this copy is whole

    @property
    def made_at(self) -> datetime:
        return datetime.strptime(self.id, STAMP).replace(tzinfo=UTC)

    @property
    def ended_at(self) -> datetime:
        """From here on the log leads to every moment."""
        return self.made_at + timedelta(seconds=self.took_s + 1)


@dataclass(frozen=True)
class Rule:
    """How long backups are kept: all of these days, then the last one of each week, of each month."""

    days: int = 7
    weeks: int = 5
    months: int = 12

    def kept(self, moments: list[datetime], now: datetime) -> set[datetime]:
        """Which of them stay. The newest always does."""
        newest_first = sorted(moments, reverse=True)
        kept = {at for at in newest_first if now - at < timedelta(days=self.days)} | set(newest_first[:1])
        for count, period in ((self.weeks, "%G-%V"), (self.months, "%Y-%m")):
            last_of: dict[str, datetime] = {}
            for at in newest_first:
                last_of.setdefault(at.strftime(period), at)
            kept |= set(list(last_of.values())[:count])
        return kept


class Store:
    """One folder and the key that opens what lies in it."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self.folder, self.key = folder, key

    def all(self) -> list[Manifest]:
        """Whole backups, oldest first."""
        return sorted((self.read(path.parent.name) for path in self.folder.glob("*/manifest")), key=lambda one: one.id)

    def find(self, id: str) -> Manifest:
        """By its id, or `latest`. Raises Trouble."""
        found = [one for one in self.all() if id in ("latest", one.id)]
        if not found:
            raise Trouble(f"no backup {id} in {self.folder}; bin/flask backup list shows what is there")
        return found[-1]

    def read(self, id: str) -> Manifest:
        return Manifest(**self.json(f"{id}/manifest"))

    def write(self, manifest: Manifest) -> None:
        self.keep_json(f"{manifest.id}/manifest", asdict(manifest))

    def json(self, name: str) -> dict[str, Any]:
        return dict(json.loads(b"".join(self.opened(name))))

    def keep_json(self, name: str, content: dict[str, Any]) -> None:
        sealing.seal([json.dumps(content).encode()], self.folder / name, self.key, name=name)

    def opened(self, name: str) -> Iterator[bytes]:
        return sealing.opened(self.folder / name, self.key, name=name)

    def checked(self, id: str) -> dict[str, Any]:
        return self.json(f"{id}/checked") if (self.folder / id / "checked").exists() else {}

    def segments(self, chain: str) -> list[Path]:
        """The kept log of one server, in its order; histories of timelines are among it."""
        folder = self.folder / "wal" / chain
        return sorted(path for path in folder.glob("[!.]*")) if chain and folder.is_dir() else []

    def way(self, manifest: Manifest) -> Way:
        """Through the timelines of its chain."""
        histories = {int(path.stem, 16): b"".join(self.opened(f"wal/{manifest.chain}/{path.name}")).decode()
                     for path in self.segments(manifest.chain) if path.suffix == HISTORY}
        return Way.of(manifest.first_segment, place(manifest.whole_at), histories)

    def reaches(self, manifest: Manifest) -> datetime:
        """To which moment a restore can lead: when the newest segment was kept that follows it without a gap."""
        led = self.way(manifest).without_a_gap(manifest.first_segment, self.segments(manifest.chain))
        return max([manifest.made_at, *(datetime.fromtimestamp(path.stat().st_mtime, UTC) for path in led)])

    def prune(self, rule: Rule, now: datetime, files_folder: Path | None) -> list[str]:
        """Clear away what the rule no longer keeps; returns the ids. Log and files go with what needed them."""
        backups = self.all()
        kept = rule.kept([one.made_at for one in backups], now)
        gone = [one.id for one in backups if one.made_at not in kept]
        for id in gone:
            (self.folder / id / "manifest").unlink()  # first: half a backup is none
            shutil.rmtree(self.folder / id)
        left = [one for one in backups if one.made_at in kept]
        self._prune_halves(now)
        self._prune_log(left, now - timedelta(days=rule.days))
        if files_folder and left:
            self._prune_files(left[0].made_at, now, files_folder)
        return gone

    def _prune_halves(self, now: datetime) -> None:
        for folder in self.folder.glob("[0-9]*T[0-9]*Z"):
            begun = datetime.strptime(folder.name, STAMP).replace(tzinfo=UTC)
            if not (folder / "manifest").exists() and now - begun > HALF_FOR:
                shutil.rmtree(folder)

    def _prune_log(self, left: list[Manifest], since: datetime) -> None:
        """The log leads on from the oldest backup of the last days; an older one is restored as it is."""
        for chain in sorted((self.folder / "wal").glob("*")):
            needed = [one.first_segment for one in left if one.chain == chain.name and one.made_at >= since]
            first = min(needed, default=max((one.first_segment for one in left if one.chain == chain.name), default=""))
            for path in self.segments(chain.name):
                if len(path.name) >= SEGMENT_CHARS and path.name[:SEGMENT_CHARS] < first:
                    path.unlink()

    def file_names(self) -> list[str]:
        """Every file that is kept, as the storage of files calls it: two signs, then its key."""
        return sorted(f"{path.parent.name}/{path.name.removesuffix(GONE)}"
                      for path in (self.folder / "files").glob("*/[!.]*"))

    def file(self, name: str) -> Iterator[bytes]:
        gone = self.folder / "files" / f"{name}{GONE}"
        return sealing.opened(gone if gone.exists() else self.folder / "files" / name, self.key, name=f"files/{name}")

    def _prune_files(self, since: datetime, now: datetime, files_folder: Path) -> None:
        """One that the desk no longer has is marked, and goes once every kept backup is younger than that."""
        for path in (self.folder / "files").glob("*/[!.]*"):
            if path.suffix != GONE and not (files_folder / path.parent.name / path.name).exists():
                os.utime(path, (now.timestamp(), now.timestamp()))
                path.rename(path.with_name(path.name + GONE))
            elif path.suffix == GONE and datetime.fromtimestamp(path.stat().st_mtime, UTC) < since:
                path.unlink()
