"""The bytes in a bucket of the operator's: AWS, or anything that speaks as S3 does. Its SDK is loaded where used."""
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.files.storage import StorageAway

CONNECT_FOR_S, READ_FOR_S, TRIES = 2, 3, 2  # at most ten seconds for who waits for a page


@dataclass(frozen=True)
class BucketAddress:
    """`endpoint` None: AWS's own of the region. Without a key the SDK finds one where it is run (a role, a file)."""

    bucket: str
    endpoint: str | None = None
    region: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    prefix: str = ""


class Bucket:
    """As `storage.Storage`. An object is whole or not there, which S3 promises."""

    def __init__(self, address: BucketAddress) -> None:
        import boto3  # type: ignore[import-untyped]
        from botocore.config import Config  # type: ignore[import-untyped]

        self._bucket, self._prefix = address.bucket, address.prefix
        self._client: Any = boto3.client(
            "s3", endpoint_url=address.endpoint, region_name=address.region, aws_access_key_id=address.access_key,
            aws_secret_access_key=address.secret_key, config=Config(
                connect_timeout=CONNECT_FOR_S, read_timeout=READ_FOR_S, retries={"total_max_attempts": TRIES},
                s3={"addressing_style": "path" if address.endpoint else "auto"}, proxies={}))

    def put(self, key: str, content: bytes) -> None:
        with _away():
            self._client.put_object(Bucket=self._bucket, Key=self._name(key), Body=content)

    def get(self, key: str) -> bytes:
        with _away():
            found: bytes = self._client.get_object(Bucket=self._bucket, Key=self._name(key))["Body"].read()
            return found

    def delete(self, key: str) -> None:
        with _away():
            self._client.delete_object(Bucket=self._bucket, Key=self._name(key))

    def older(self, start: str, before: datetime) -> Iterator[str]:
        with _away():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=f"{self._prefix}{start}/")
            for page in pages:
                for found in page.get("Contents", ()):
                    if found["LastModified"] < before:
                        yield found["Key"].rpartition("/")[2]

    def _name(self, key: str) -> str:
        assert key.isalnum(), "keys are ours"
        return f"{self._prefix}{key[:2]}/{key}"


@contextmanager
def _away() -> Iterator[None]:
    """Whatever the SDK or the other side has against it: not now. Raises StorageAway."""
    from boto3.exceptions import Boto3Error  # type: ignore[import-untyped]
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as problem:
        raise StorageAway() from problem
