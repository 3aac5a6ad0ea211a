"""AWS Secrets Manager: one secret whose text is a JSON object. Who we are the SDK finds (a role, a file)."""
import json
from collections.abc import Mapping
from typing import Any

from portal.safes import SafeClosed

CONNECT_FOR_S, READ_FOR_S, TRIES = 3, 5, 2


class SecretsManager:
    """As `safes.Safe`. Nothing is leased: each reading is signed by itself."""

    def __init__(self, name: str, region: str | None = None, endpoint: str | None = None) -> None:
        self._secret, self._region, self._endpoint = name, region, endpoint
        self.name = f"aws {name}"

    def read(self) -> Mapping[str, str]:
        from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

        try:
            text = self._client().get_secret_value(SecretId=self._secret).get("SecretString", "")
        except ClientError as error:
            raise SafeClosed(f"{self.name}: not given ({error.response['Error']['Code']})") from None
        except BotoCoreError as error:
            raise SafeClosed(f"{self.name}: not given ({type(error).__name__})") from None
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise SafeClosed(f"{self.name}: is no JSON object of names and texts")
        if wrong := sorted(name for name, value in found.items() if not isinstance(value, str)):
            raise SafeClosed(f"{self.name}: {', '.join(wrong)}: must be text")
        return found

    def renew(self) -> float | None:
        return None

    def _client(self) -> Any:
        import boto3  # type: ignore[import-untyped]
        from botocore.config import Config  # type: ignore[import-untyped]

        return boto3.client("secretsmanager", region_name=self._region, endpoint_url=self._endpoint, config=Config(
            connect_timeout=CONNECT_FOR_S, read_timeout=READ_FOR_S, retries={"total_max_attempts": TRIES}))
