"""What a setting must look like, one by one; how they fit together is judged in `portal.settings`."""
import re
from base64 import b64decode
from ipaddress import ip_network
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings

from portal.core import breached, database_url, redis_client
from portal.core.crypto import KEY_BYTES, Keyring, PrintRing

SECRET_CHARS_MIN = 32
CLAMD = re.compile(r"/.+|[^/\s]+:\d{1,5}", re.ASCII)


def each(secret: SecretStr) -> list[str]:
    """Of a secret in change: `new,old`. The first makes, all are accepted."""
    return [part.strip() for part in secret.get_secret_value().split(",")]


class Checks(BaseSettings):
    """Each raises ValueError that says what is wrong, never with a secret's value."""

    @field_validator("master_keys", check_fields=False)
    @classmethod
    def _keyring(cls, value: SecretStr) -> SecretStr:
        Keyring.parse(value.get_secret_value())
        return value

    @field_validator("clamd_address", check_fields=False)
    @classmethod
    def _scanner(cls, value: str | None) -> str | None:
        if value is not None and CLAMD.fullmatch(value) is None:
            raise ValueError("must be the path of a socket, or host:port")
        return value

    @field_validator("breached_passwords_file", check_fields=False)
    @classmethod
    def _leaked(cls, value: str | None) -> str | None:
        if value is not None and (wrong := breached.wrong_with(value)) is not None:
            raise ValueError(wrong)
        return value

    @field_validator("fingerprint_key", "payment_link_key", check_fields=False)
    @classmethod
    def _key(cls, value: SecretStr) -> SecretStr:
        for text in each(value):
            if len(b64decode(text, validate=True)) != KEY_BYTES:
                raise ValueError(f"must be {KEY_BYTES} bytes in base64")
        return value

    @field_validator("fingerprint_key", check_fields=False)
    @classmethod
    def _prints(cls, value: SecretStr) -> SecretStr:
        PrintRing.of([b64decode(text) for text in each(value)])
        return value

    @field_validator("secret_key", "huey_key", check_fields=False)
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if any(len(text) < SECRET_CHARS_MIN or len(set(text)) < 8 for text in each(value)):
            raise ValueError(f"is weak: {SECRET_CHARS_MIN} random characters at least")
        return value

    @field_validator("database_url", "database_owner_url", "database_direct_url", "database_replica_url",
                     check_fields=False)
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            database_url.judged(value.get_secret_value())
        return value

    @field_validator("redis_url", check_fields=False)
    @classmethod
    def _redis(cls, value: SecretStr) -> SecretStr:
        redis_client.judged(value.get_secret_value())
        return value

    @field_validator("time_zone", check_fields=False)
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("is no time zone of the IANA list") from None
        return value

    @field_validator("webhook_allowed_networks", "staff_networks", check_fields=False)
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        return [str(ip_network(network)) for network in value]

    @field_validator("security_contact", check_fields=False)
    @classmethod
    def _contact(cls, value: str | None) -> str | None:
        if value is not None and (not value.startswith(("mailto:", "https://", "tel:")) or not value.isprintable()
                                  or " " in value):
            raise ValueError("must be mailto:…, https://… or tel:…")
        return value
