"""Which storage the operator's settings name."""
from pathlib import Path

from pydantic import SecretStr

from portal.files.s3 import Bucket, BucketAddress
from portal.files.storage import LocalFolder, Storage
from portal.settings import Settings


def chosen(settings: Settings) -> Storage:
    """A folder of this machine, or a bucket."""
    if settings.files_storage == "folder":
        return LocalFolder(Path(settings.files_folder))
    assert settings.files_s3_bucket is not None, "settings say so"
    return Bucket(BucketAddress(
        settings.files_s3_bucket, settings.files_s3_endpoint, settings.files_s3_region,
        _open(settings.files_s3_access_key), _open(settings.files_s3_secret_key), settings.files_s3_prefix))


def _open(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
