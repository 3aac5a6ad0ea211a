"""Configuration: one frozen object, judged as a whole at start and at each SIGHUP.

Read from the environment, `.env`, a folder's files and the safe that SECRETS_FROM names: the first of them counts.
"""
import os
from base64 import b64decode
from importlib.util import find_spec
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from portal.core import database_url, retention, web_push
from portal.core.crypto import Keyring
from portal.safes import Safe, SafeClosed
from portal.safes.source import Reading, SafeSource, reading
from portal.setting_checks import Checks, each

PREFIX = "QUITTANCE_"
# read by bin/run before this class exists; a shop's own, which `flask webhooks listen` and every sample read
NO_SETTINGS = {"QUITTANCE_HOME", "QUITTANCE_KEY"}
CONNECTIONS_MAX = 1000  # open ones of a web process, streams too
PER_ADDRESS_MAX = 250  # a quarter: an office with its streams; no stranger alone fills the desk


class BadSettings(SystemExit):
    """The process stops with the list of what is wrong, never with the values."""

    def __init__(self, wrong: list[str]) -> None:
        super().__init__("The configuration is not usable:\n" + "\n".join(f"  - {line}" for line in wrong))
        self.wrong = wrong


class Settings(Checks):
    """Every setting of the desk. The field's description is its documentation (docs/operators-handbook.md)."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", case_sensitive=False, env_file=".env", env_ignore_empty=True)
    _origins: dict[str, str] = PrivateAttr(default_factory=dict)
    _safe: Safe | None = PrivateAttr(None)

    @classmethod
    def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource) -> tuple[PydanticBaseSettingsSource, ...]:
        folder = _folder()
        files = [SecretsSettingsSource(settings_cls, secrets_dir=folder)] if os.path.isdir(folder) else []
        return (init_settings, env_settings, dotenv_settings, *files, SafeSource(settings_cls))

    app_env: Literal["development", "test", "production"] = Field(
        "development", description="production refuses demo data, debug, weak secrets and plain-http cookies")
    secrets_from: Literal["environment", "files", "vault", "aws"] = Field(
        "environment", description="where secrets lie that the environment does not name; see Secrets")
    secrets_folder: str = Field("/run/secrets", description="files named like settings; must be there for `files`")
    vault_url: str | None = Field(None, description="of HashiCorp Vault or OpenBao, as in https://vault:8200")
    vault_token: SecretStr | None = Field(None, description="opens it; renewed while the desk runs")
    vault_role_id: SecretStr | None = Field(None, description="or an AppRole, which signs in at each reading")
    vault_secret_id: SecretStr | None = Field(None, description="belongs to the role")
    vault_mount: str = Field("secret", description="where the KV v2 engine is mounted")
    vault_path: str = Field("quittance", description="of the secret whose keys are named like settings")
    vault_namespace: str | None = Field(None, description="of the secret, where the server has such")
    vault_ca_file: str | None = Field(None, description="certificates that vouch for it; default: the system's")
    aws_secret_name: str | None = Field(None, description="in AWS Secrets Manager: a JSON object named like settings")
    aws_secret_region: str | None = Field(None, description="of the secret; default: what the SDK finds")
    aws_secret_endpoint: str | None = Field(None, description="default: AWS's own of the region")
    secret_key: SecretStr = Field(
        description="signs CSRF cookies; 32 characters at least. As `new,old`: the first signs, all are accepted")
    master_keys: SecretStr = Field(description="AES-256 keys as kid:base64,kid:base64; the first one seals")
    fingerprint_key: SecretStr = Field(
        description="base64, 32 bytes: keyed fingerprints for look-ups. As `new,old`: the first makes")
    payment_link_key: SecretStr = Field(description="base64, 32 bytes: tokens of payment links. As `new,old`")
    huey_key: SecretStr = Field(description="signs the wake-ups; 32 characters at least. As `new,old`")
    database_url: SecretStr = Field(description="PostgreSQL as the role that owns nothing")
    database_owner_url: SecretStr | None = Field(
        None, description="PostgreSQL as the owner: migrations and `flask history` only")
    database_direct_url: SecretStr | None = Field(None, description="past a pooler, for the connection that listens")
    database_replica_url: SecretStr | None = Field(
        None, description="standbys, for lists, reports and exports; several hosts as in DATABASE_URL")
    database_pool_size: int = Field(
        4, ge=1, le=50, description="connections of a process; the web keeps three more, a worker up to three")
    database_prepared: bool = Field(True, description="prepared statements; off for a pooler that knows none")
    redis_url: SecretStr = Field(description="Valkey or Redis, also by its Sentinels: wake-ups, limits, live pages")
    public_url: str = Field("http://127.0.0.1:8000", description="where customers and merchants find the desk")
    require_second_factor: bool | None = Field(
        None, description="of staff, traders and whoever moves a merchant's money; default: in production")
    staff_networks: list[str] = Field([], description="from where staff may work, as 203.0.113.0/24; empty: anywhere")
    trusted_hosts: list[str] = Field([], description="names the desk answers to; empty: the public URL's and loopback")
    proxy_hops: int = Field(0, ge=0, le=5, description="reverse proxies in front whose X-Forwarded-* count")
    connections_per_address: int | None = Field(
        None, ge=10, description="open connections of one address or IPv6 /64; default: 250, all where PROXY_HOPS")
    lame_duck_s: int = Field(
        0, ge=0, le=15, description="the web answers on so long after TERM, `/servez` 503, for balancers to notice")
    time_zone: str = Field("Europe/Moscow", description="whose midnight ends a day of limits")
    rate_max_age_s: int = Field(3600, ge=60, description="a feed's rate older than this is refused")
    ratelimit_enabled: bool = Field(True, description="request limits; cannot be off in production")
    webhook_allowed_networks: list[str] = Field([], description="networks webhooks may reach though not public")
    webhook_allow_http: bool | None = Field(None, description="http and loopback for webhooks; default: not production")
    fast_create: bool = Field(True, description="plain creates are written on the event loop; false: all by Flask")
    application_deny_words: list[str] = Field([], description="words that staff are warned of in applications to join")
    files_storage: Literal["folder", "s3"] = Field("folder", description="of receipts: a folder, or a bucket")
    files_folder: str = Field("var/files", description="where receipts and documents lie")
    files_s3_bucket: str | None = Field(None, description="the bucket, where FILES_STORAGE is s3")
    files_s3_endpoint: str | None = Field(None, description="an S3-compatible address; default: AWS's of the region")
    files_s3_region: str | None = Field(None, description="the bucket's region")
    files_s3_access_key: SecretStr | None = Field(None, description="default: what the SDK finds (a role, a file)")
    files_s3_secret_key: SecretStr | None = Field(None, description="belongs to the access key")
    files_s3_prefix: str = Field("", description="before every key, as in desk/")
    clamd_address: str | None = Field(
        None, description="a virus scanner (clamd) that is shown each file: its socket's path, or host:port")
    breached_passwords_file: str | None = Field(
        None, description="leaked passwords nobody may choose: the file of Have I Been Pwned's downloader (SHA-1)")
    smtp_host: str | None = Field(None, description="hands out mail; without it none is sent (development: /dev/mail)")
    smtp_port: int = Field(587, ge=1, le=65535, description="of the mail server")
    smtp_security: Literal["starttls", "tls", "none"] = Field("starttls", description="none: a relay on this machine")
    smtp_user: str | None = Field(None, description="where the mail server asks who hands in")
    smtp_password: SecretStr | None = Field(None, description="belongs to the user")
    mail_from: str = Field("Quittance <desk@localhost>", description="the sender of the desk's mails")
    retain_customers_days: int = Field(1825, ge=0, description="names, texts, numbers of ended orders; 0: for ever")
    retain_addresses_days: int = Field(365, ge=0, description="customers' IP addresses of ended orders; 0: for ever")
    retain_receipts_days: int = Field(1825, ge=0, description="receipts and evidence of ended orders; 0: for ever")
    retain_messages_days: int = Field(1825, ge=0, description="what was said in ended disputes; 0: for ever")
    retain_applications_days: int = Field(365, ge=0, description="refused applications to join; 0: for ever")
    retain_sessions_days: int = Field(30, ge=1, description="ended sessions with their address and browser")
    retain_mails_days: int = Field(7, ge=1, description="mails that were sent; their text goes at once")
    retain_calls_days: int = Field(7, ge=1, le=90, description="what stores called on the gateway and were answered")
    history_months: int = Field(24, ge=3, description="months of steps, audit, webhooks and done work that stay in the "
                                "database; older ones are due for the archive")
    security_contact: str | None = Field(
        None, description="who hears of weaknesses, as mailto:… or https://…: stands in /.well-known/security.txt")
    telegram_bot_token: SecretStr | None = Field(None, description="of the bot that writes to people who link it")
    telegram_bot_name: str | None = Field(None, description="of the same bot, without @")
    telegram_api_url: str = Field("https://api.telegram.org", description="or the operator's own Bot API server")
    push_key: SecretStr | None = Field(
        None, description="tells browsers that people have named; `bin/flask notices push-key` makes one. Without: off")
    operator_webhook_url: str | None = Field(None, description="what staff are told of goes there too, signed")
    operator_webhook_secret: SecretStr | None = Field(
        None, description="whsec_…, as of Standard Webhooks. As `new,old`: both sign")
    sentry_dsn: SecretStr | None = Field(None, description="errors go here, scrubbed")
    metrics_token: SecretStr | None = Field(None, description="bearer token of /metrics; without it /metrics is off")
    metrics_port: int | None = Field(
        None, ge=1, le=65534, description="a worker's figures; the dispatcher takes the next port. Default: none")
    metrics_host: str = Field("127.0.0.1", description="where those ports listen; they ask for no token")
    traces_url: str | None = Field(
        None, description="an OTLP/HTTP collector, as http://alloy:4318/v1/traces: traces go there. Without: off")
    traces_share: float = Field(1.0, ge=0, le=1, description="of the traces that are kept")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="how much the log says")

    @model_validator(mode="after")
    def _channels(self) -> Self:
        if (self.telegram_bot_token is None) != (self.telegram_bot_name is None):
            raise ValueError("TELEGRAM_BOT_TOKEN and TELEGRAM_BOT_NAME belong together")
        if self.push_key is not None:
            web_push.read_key(self.push_key.get_secret_value())
        if (self.operator_webhook_url is None) != (self.operator_webhook_secret is None):
            raise ValueError("OPERATOR_WEBHOOK_URL and OPERATOR_WEBHOOK_SECRET belong together")
        if self.operator_webhook_secret is not None and any(
                not kept.startswith("whsec_") or len(b64decode(kept.removeprefix("whsec_"), validate=True)) < 24
                for kept in each(self.operator_webhook_secret)):
            raise ValueError("OPERATOR_WEBHOOK_SECRET must be whsec_ and 24 bytes at least in base64")
        return self

    @model_validator(mode="after")
    def _files(self) -> Self:
        if self.secrets_from == "files" and not os.path.isdir(self.secrets_folder):
            raise ValueError("SECRETS_FOLDER is no folder: SECRETS_FROM is files")
        return self

    @model_validator(mode="after")
    def _bucket(self) -> Self:
        if self.files_storage == "s3" and not self.files_s3_bucket:
            raise ValueError("FILES_S3_BUCKET is missing: FILES_STORAGE is s3")
        if (self.files_s3_access_key is None) != (self.files_s3_secret_key is None):
            raise ValueError("FILES_S3_ACCESS_KEY and FILES_S3_SECRET_KEY belong together")
        return self

    @model_validator(mode="after")
    def _traces(self) -> Self:
        if self.traces_url is None:
            return self
        if not self.traces_url.startswith(("http://", "https://")):
            raise ValueError("TRACES_URL must be http(s)://host[:port]/v1/traces")
        if find_spec("opentelemetry") is None:
            raise ValueError("TRACES_URL: pip install --require-hashes -r requirements-traces.txt first")
        return self

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
    def master_key_ids(self) -> list[str]:
        """The current one first."""
        return list(Keyring.parse(self.master_keys.get_secret_value()).keys)

    def origin(self, name: str) -> str:
        """Who gave a setting: environment, .env, files, the safe's name, or default."""
        return self._origins.get(name, "default")

    @property
    def safe(self) -> Safe | None:
        return self._safe

    @property
    def production(self) -> bool:
        return self.app_env == "production"

    @property
    def second_factor_required(self) -> bool:
        return self.production if self.require_second_factor is None else self.require_second_factor

    @property
    def retained_days(self) -> dict[str, int]:
        """By kind of personal data, as `core.retention` knows them."""
        return {kind: getattr(self, f"retain_{kind}_days") for kind in retention.KINDS}

    @property
    def https(self) -> bool:
        return self.public_url.startswith("https:")

    @property
    def trace_key(self) -> bytes:
        """Draws which traces are kept, in all processes alike; only a hash is made of it."""
        return each(self.huey_key)[0].encode()

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
        return database_url.for_sqlalchemy(self.database_url.get_secret_value())

    @property
    def owner_url(self) -> str:
        return database_url.for_sqlalchemy((self.database_owner_url or self.database_url).get_secret_value())

    @property
    def replica_url(self) -> str:
        """Of the standbys; the application's own where none are named."""
        return database_url.for_sqlalchemy((self.database_replica_url or self.database_url).get_secret_value())

    @property
    def direct_url(self) -> str:
        """For psycopg itself: libpq's spelling."""
        return database_url.for_libpq((self.database_direct_url or self.database_url).get_secret_value())

    @property
    def hosts(self) -> list[str]:
        own = urlsplit(self.public_url).hostname or "localhost"
        return self.trusted_hosts or [own, "127.0.0.1", "localhost", "[::1]"]


def load() -> Settings:
    """Read and judge everything. Stops the process with the list of what is wrong."""
    wrong = [f"{name}: unknown" for name in os.environ
             if name.startswith(PREFIX) and name not in NO_SETTINGS]
    notes = Reading()
    token = reading.set(notes)
    try:
        settings = Settings()
    except SafeClosed as error:
        raise BadSettings([*wrong, str(error)]) from None
    except ValidationError as error:
        wrong += [f"{'_'.join(map(str, e['loc'])).upper() or 'settings'}: {e['msg'].removeprefix('Value error, ')}"
                  for e in error.errors(include_input=False, include_url=False)]
        raise BadSettings(wrong) from None
    finally:
        reading.reset(token)
    if wrong:
        raise BadSettings(wrong)
    settings._origins, settings._safe = notes.origins, notes.safe
    return settings


def _folder() -> str:
    """Known before everything else, so from the environment alone."""
    return os.environ.get("SECRETS_FOLDER") or str(Settings.model_fields["secrets_folder"].default)
