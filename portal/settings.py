"""Configuration: one frozen object, read from the environment, `.env` and /run/secrets, judged as a whole at start."""
import os
from base64 import b64decode
from ipaddress import ip_network
from typing import Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from portal.core.crypto import KEY_BYTES, Keyring

PREFIX = "QUITTANCE_"
LAUNCHER_ONLY = {"QUITTANCE_HOME"}  # read by bin/run before this class exists
SECRET_CHARS_MIN = 32
CONNECTIONS_MAX = 1000  # open ones of a web process, streams too
PER_ADDRESS_MAX = 250  # a quarter: an office with its streams; no stranger alone fills the desk


class BadSettings(SystemExit):
    """The process stops with the list of what is wrong, never with the values."""

    def __init__(self, wrong: list[str]) -> None:
        super().__init__("The configuration is not usable:\n" + "\n".join(f"  - {line}" for line in wrong))
        self.wrong = wrong


class Settings(BaseSettings):
    """Every setting of the desk. The field's description is its documentation (docs/operators-handbook.md)."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", case_sensitive=False, env_file=".env", env_ignore_empty=True,
        secrets_dir="/run/secrets" if os.path.isdir("/run/secrets") else None)

    app_env: Literal["development", "test", "production"] = Field(
        "development", description="production refuses demo data, debug, weak secrets and plain-http cookies")
    secret_key: SecretStr = Field(description="signs CSRF cookies; 32 characters at least")
    master_keys: SecretStr = Field(description="AES-256 keys as kid:base64,kid:base64; the first one seals")
    fingerprint_key: SecretStr = Field(description="base64, 32 bytes: keyed fingerprints for look-ups")
    payment_link_key: SecretStr = Field(description="base64, 32 bytes: tokens of payment links")
    huey_key: SecretStr = Field(description="signs the wake-ups; 32 characters at least")
    database_url: SecretStr = Field(description="PostgreSQL as the role that owns nothing")
    database_owner_url: SecretStr | None = Field(None, description="PostgreSQL as the owner: migrations only")
    database_direct_url: SecretStr | None = Field(None, description="past a pooler, for the connection that listens")
    database_pool_size: int = Field(
        4, ge=1, le=50, description="connections of a process; the web keeps two more, a worker up to three")
    database_prepared: bool = Field(True, description="prepared statements; off for a pooler that knows none")
    redis_url: SecretStr = Field(description="Valkey or Redis: wake-ups, limits, live pages")
    public_url: str = Field("http://127.0.0.1:8000", description="where customers and merchants find the desk")
    trusted_hosts: list[str] = Field([], description="names the desk answers to; empty: the public URL's and loopback")
    proxy_hops: int = Field(0, ge=0, le=5, description="reverse proxies in front whose X-Forwarded-* count")
    connections_per_address: int | None = Field(
        None, ge=10, description="open connections of one address or IPv6 /64; default: 250, all where PROXY_HOPS")
    lame_duck_s: int = Field(
        0, ge=0, le=15, description="the web answers on so long after TERM, `/readyz` 503, for balancers to notice")
    time_zone: str = Field("Europe/Moscow", description="whose midnight ends a day of limits")
    rate_max_age_s: int = Field(3600, ge=60, description="a feed's rate older than this is refused")
    ratelimit_enabled: bool = Field(True, description="request limits; cannot be off in production")
    webhook_allowed_networks: list[str] = Field([], description="networks webhooks may reach though not public")
    webhook_allow_http: bool | None = Field(None, description="http and loopback for webhooks; default: not production")
    fast_create: bool = Field(True, description="plain creates are written on the event loop; false: all by Flask")
    files_folder: str = Field("var/files", description="where receipts and documents lie")
    sentry_dsn: SecretStr | None = Field(None, description="errors go here, scrubbed")
    metrics_token: SecretStr | None = Field(None, description="bearer token of /metrics; without it /metrics is off")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="how much the log says")

    @field_validator("master_keys")
    @classmethod
    def _keyring(cls, value: SecretStr) -> SecretStr:
        Keyring.parse(value.get_secret_value())
        return value

    @field_validator("fingerprint_key", "payment_link_key")
    @classmethod
    def _key(cls, value: SecretStr) -> SecretStr:
        if len(b64decode(value.get_secret_value(), validate=True)) != KEY_BYTES:
            raise ValueError(f"must be {KEY_BYTES} bytes in base64")
        return value

    @field_validator("secret_key", "huey_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if len(text) < SECRET_CHARS_MIN or len(set(text)) < 8:
            raise ValueError(f"is weak: {SECRET_CHARS_MIN} random characters at least")
        return value

    @field_validator("database_url", "database_owner_url", "database_direct_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and urlsplit(value.get_secret_value()).scheme not in ("postgresql", "postgresql+psycopg"):
            raise ValueError("must be a postgresql:// URL; there is one dialect")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: SecretStr) -> SecretStr:
        if urlsplit(value.get_secret_value()).scheme not in ("redis", "rediss", "unix"):
            raise ValueError("must be a redis://, rediss:// or unix:// URL")
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("is no time zone of the IANA list") from None
        return value

    @field_validator("webhook_allowed_networks")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        return [str(ip_network(network)) for network in value]

    @model_validator(mode="after")
    def _production(self) -> Self:
        url = urlsplit(self.public_url)
        if url.scheme not in ("http", "https") or not url.hostname or url.path not in ("", "/"):
            raise ValueError("PUBLIC_URL must be http(s)://host[:port] without a path")
        if self.app_env == "production":
            if url.scheme != "https":
                raise ValueError("PUBLIC_URL must be https in production")
            if not self.ratelimit_enabled:
                raise ValueError("RATELIMIT_ENABLED cannot be false in production")
            if self.webhook_allow_http:
                raise ValueError("WEBHOOK_ALLOW_HTTP cannot be true in production")
        return self

    @property
    def production(self) -> bool:
        return self.app_env == "production"

    @property
    def https(self) -> bool:
        return self.public_url.startswith("https:")

    @property
    def address_connections(self) -> int:
        """All come from the proxies' few addresses where there are any: those keep their own count of visitors."""
        return self.connections_per_address or (CONNECTIONS_MAX if self.proxy_hops else PER_ADDRESS_MAX)

    @property
    def http_webhooks(self) -> bool:
        return not self.production if self.webhook_allow_http is None else self.webhook_allow_http

    @property
    def sqlalchemy_url(self) -> str:
        """The application's URL in SQLAlchemy's spelling."""
        return _psycopg(self.database_url)

    @property
    def owner_url(self) -> str:
        return _psycopg(self.database_owner_url or self.database_url)

    @property
    def direct_url(self) -> str:
        """For psycopg itself: libpq's spelling."""
        return _psycopg(self.database_direct_url or self.database_url).replace("postgresql+psycopg://", "postgresql://")

    @property
    def hosts(self) -> list[str]:
        own = urlsplit(self.public_url).hostname or "localhost"
        return self.trusted_hosts or [own, "127.0.0.1", "localhost", "[::1]"]


def _psycopg(url: SecretStr) -> str:
    text = url.get_secret_value()
    return text if text.startswith("postgresql+psycopg://") else "postgresql+psycopg://" + text.split("://", 1)[1]


def load() -> Settings:
    """Read and judge everything. Stops the process with the list of what is wrong."""
    wrong = [f"{name}: unknown" for name in os.environ
             if name.startswith(PREFIX) and name not in LAUNCHER_ONLY]
    try:
        settings = Settings()
    except ValidationError as error:
        wrong += [f"{'_'.join(map(str, e['loc'])).upper() or 'settings'}: {e['msg'].removeprefix('Value error, ')}"
                  for e in error.errors(include_input=False, include_url=False)]
        raise BadSettings(wrong) from None
    if wrong:
        raise BadSettings(wrong)
    return settings
