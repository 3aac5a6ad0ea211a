"""Fault 7: the storage that the settings name is down, slow or refuses: said within ten seconds, and nothing else."""
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import boto3
import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from portal import files
from portal.core import clock
from portal.files.chosen import chosen
from portal.files.models import File
from portal.files.s3 import Bucket
from portal.files.storage import LocalFolder, Storage, StorageAway
from portal.settings import Settings
from tests import factories as f
from tests import outside, people

SOON_S = 10  # of the spec: who waits is told by then


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with outside.aws() as url:
        boto3.client("s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="a",
                     aws_secret_access_key="s").create_bucket(Bucket="receipts")
        yield url


def settings(app: Flask, **named: object) -> Settings:
    """Those of the desk, and what an operator says of files."""
    own: Settings = app.extensions["settings"]
    return own.model_validate(own.model_dump() | named)


def bucket_at(app: Flask, endpoint: str, bucket: str = "receipts") -> Storage:
    return chosen(settings(app, files_storage="s3", files_s3_bucket=bucket, files_s3_endpoint=endpoint,
                           files_s3_region="us-east-1", files_s3_access_key="a", files_s3_secret_key="s",
                           files_s3_prefix="desk/"))


@pytest.fixture(params=["folder", "s3"])
def named(request: pytest.FixtureRequest, app: Flask, server: str, tmp_path: Path) -> Storage:
    """What settings of either kind come to."""
    if request.param == "folder":
        found = chosen(settings(app, files_storage="folder", files_folder=str(tmp_path)))
        assert isinstance(found, LocalFolder)
    else:
        found = bucket_at(app, server)
        assert isinstance(found, Bucket)
    return found


def test_each_storage_that_settings_name_keeps_its_promises(named: Storage) -> None:
    for key, content in (("ab12", b"bytes"), ("ab13", b""), ("cd14", bytes(range(256)) * 4096)):
        named.put(key, content)
        assert named.get(key) == content
    named.put("ab12", b"others")
    assert named.get("ab12") == b"others"
    later = clock.now() + timedelta(minutes=1)
    assert sorted(named.older("ab", later)) == ["ab12", "ab13"]
    assert list(named.older("ab", clock.now() - timedelta(hours=1))) == []
    assert list(named.older("ff", later)) == []
    for key in ("ab12", "ab13", "cd14"):
        named.delete(key)
        named.delete(key)
        with pytest.raises(StorageAway):
            named.get(key)


def test_a_bucket_of_settings_lies_below_its_prefix(app: Flask, server: str) -> None:
    bucket_at(app, server).put("ef56", b"x")
    client = boto3.client("s3", endpoint_url=server, region_name="us-east-1", aws_access_key_id="a",
                          aws_secret_access_key="s")
    keys = [one["Key"] for one in client.list_objects_v2(Bucket="receipts", Prefix="desk/ef")["Contents"]]
    assert keys == ["desk/ef/ef56"]


@pytest.mark.parametrize("wrong", [
    {"files_storage": "s3"}, {"files_storage": "s3", "files_s3_bucket": "b", "files_s3_access_key": "a"},
    {"files_storage": "ftp"}])
def test_settings_that_name_no_storage_stop_the_start(app: Flask, wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"(?i)files_s(torage|3)"):
        settings(app, **wrong)


def rows() -> int:
    with f.look() as session:
        return session.scalar(select(func.count()).select_from(File)) or 0


@pytest.mark.parametrize("how", ["down", "slow", "refusing"])
@pytest.mark.slow
def test_an_upload_is_answered_in_time_and_touches_nothing(app: Flask, server: str, how: str) -> None:
    """By the trader's pages: a draft, and the receipt that comes with the step itself."""
    cast = f.new_cast()
    cast.requisite(payout=True)
    trader = people.seat(app, people.person("trader", trader_id=cast.traders[0].id))
    order, before, told = f.accepted_payout(cast), files.storage(), []
    assignment, count = f.assignment_of(order).public_id, rows()
    with ExitStack() as stack:
        silent = stack.enter_context(socket.socket())
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        files.configure({"down": lambda: bucket_at(app, f"http://127.0.0.1:{outside.free_port()}"),
                         "slow": lambda: bucket_at(app, f"http://127.0.0.1:{silent.getsockname()[1]}"),
                         "refusing": lambda: bucket_at(app, server, "nobodys")}[how]())
        stack.callback(files.configure, before)
        for path, field in (("/files", "file"), (f"/trader/payouts/{order.public_id}/payment", "receipt")):
            boundary, body = encode_multipart({
                "csrf_token": trader.token, "assignment_id": assignment,
                field: FileStorage(BytesIO(f.picture()), "receipt.png")})
            began = time.monotonic()
            answer = trader.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")
            told.append((answer.status_code, time.monotonic() - began))
    assert [status for status, _ in told] == [503, 503]
    assert max(seconds for _, seconds in told) < SOON_S
    assert f.fresh(order).status == "assigned"
    assert f.fresh(order).version == order.version
    assert rows() == count, "no row without an object"
