"""A bucket behind the same Protocol, against moto's real server: kept, served, swept; away, slow or refusing is 503."""
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask

from portal import files
from portal.core import clock
from portal.files import service
from portal.files.s3 import Bucket, BucketAddress
from portal.files.storage import LocalFolder, StorageAway
from tests import factories as f
from tests import outside


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with outside.aws() as url:
        yield url


def address(endpoint: str, **other: str) -> BucketAddress:
    return BucketAddress(**({"bucket": "receipts", "endpoint": endpoint, "region": "us-east-1", "access_key": "a",
                             "secret_key": "s", "prefix": "desk/"} | other))


@pytest.fixture
def bucket(server: str) -> Bucket:
    made = Bucket(address(server))
    made._client.create_bucket(Bucket="receipts")
    return made


@pytest.fixture
def desk_with(app: Flask) -> Iterator[object]:
    before = files.storage()
    yield files.configure
    files.configure(before)


def test_what_is_put_is_got_and_deleted_once_and_twice(bucket: Bucket) -> None:
    bucket.put("ab12", b"bytes")
    assert bucket.get("ab12") == b"bytes"
    names = [one["Key"] for one in bucket._client.list_objects_v2(Bucket="receipts")["Contents"]]
    assert "desk/ab/ab12" in names
    bucket.delete("ab12")
    bucket.delete("ab12")
    with pytest.raises(StorageAway):
        bucket.get("ab12")


def test_a_receipt_lies_in_the_bucket_and_comes_from_it(bucket: Bucket, desk_with: object) -> None:
    desk_with(bucket)
    who = f.as_trader(f.new_cast().trader())
    stored = files.store(files.Upload("r.png", f.picture()))
    with f.act() as session:
        kept = files.keep(session, who, stored)
    with f.look() as session:
        file, content = files.open_file(session, who, kept.public_id)
    assert content == bucket.get(file.storage_key)


@pytest.mark.parametrize("kind", ["bucket", "folder"])
def test_bytes_without_a_row_are_swept_and_those_with_one_stay(
        kind: str, bucket: Bucket, desk_with: object, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upload whose process died between `store` and `keep`."""
    held = bucket if kind == "bucket" else LocalFolder(tmp_path / "files")
    desk_with(held)
    who = f.as_trader(f.new_cast().trader())
    lost, kept = (files.store(files.Upload(name, f.picture())) for name in ("lost.png", "kept.png"))
    with f.act() as session:
        files.keep(session, who, kept)
    monkeypatch.setattr(service, "STARTS", [[start for turn in service.STARTS for start in turn]])
    with f.act() as session:
        assert files.sweep_orphans(session) == 0, "it may yet be written down"
    with clock.moved(timedelta(days=1, minutes=1)), f.act() as session:
        assert files.sweep_orphans(session) >= 1
    assert held.get(kept.key)
    with pytest.raises(StorageAway):
        held.get(lost.key)


def test_what_is_half_written_is_swept(app: Flask, desk_with: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                       ) -> None:
    """Its process was killed while it wrote: the file beside the whole one, which has a row, stayed for ever."""
    desk_with(folder := LocalFolder(tmp_path))
    who = f.as_trader(f.new_cast().trader())
    stored = files.store(files.Upload("r.png", f.picture()))
    half = tmp_path / stored.key[:2] / f"{stored.key}.{uuid4().hex}"
    half.write_bytes(b"the first of them")
    with f.act() as session:
        files.keep(session, who, stored)
    monkeypatch.setattr(service, "STARTS", [[start for turn in service.STARTS for start in turn]])
    with clock.moved(timedelta(days=1, minutes=1)), f.act() as session:
        assert files.sweep_orphans(session) == 1
    assert not half.exists()
    assert folder.get(stored.key)


@pytest.mark.parametrize("how", ["down", "slow", "refusing"])
def test_a_bucket_that_is_away_is_said_within_ten_seconds_and_leaves_no_row(
        how: str, server: str, bucket: Bucket, desk_with: object) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        desk_with(Bucket({"down": address(f"http://127.0.0.1:{outside.free_port()}"),
                          "slow": address(f"http://127.0.0.1:{silent.getsockname()[1]}"),
                          "refusing": address(server, bucket="nobodys")}[how]))
        began = time.monotonic()
        with pytest.raises(StorageAway):
            files.store(files.Upload("r.png", f.picture()))
        assert time.monotonic() - began < 10


def test_sixteen_at_once_pass_no_limit(app: Flask) -> None:
    """Twenty drafts of one person: counted under a lock, so that parallel uploads do not slip past."""
    who = f.as_trader(f.new_cast().trader())
    uploads = [files.store(files.Upload(f"{n}.png", f.picture())) for n in range(24)]

    def keep(stored: files.Stored) -> object:
        with f.act() as session:
            return files.keep(session, who, stored).public_id

    outcomes = f.at_the_same_time(app, [lambda one=one: keep(one) for one in uploads], threads=8)
    assert sum(isinstance(one, files.TooManyFiles) for one in outcomes) == 4
    assert sum(isinstance(one, str) for one in outcomes) == service.DRAFTS_MAX
