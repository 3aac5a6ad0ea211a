"""Passwords of our own servers and secrets for development, made once per data folder and kept in a 0600 file."""
import secrets
from base64 import b64encode
from collections.abc import Callable

from launcher.home import Home

FILE = "keys.json"


def keep(home: Home) -> dict[str, str]:
    """The kept ones, with what a newer release needs added. Losing MASTER_KEYS loses what they sealed."""
    kept = {str(name): str(value) for name, value in home.read(FILE).items()}
    missing = {name: make() for name, make in MAKERS.items() if name not in kept}
    if missing:
        kept |= missing
        home.write(FILE, kept)
    return kept


def _key() -> str:
    return b64encode(secrets.token_bytes(32)).decode("ascii")


MAKERS: dict[str, Callable[[], str]] = {
    "postgres_password": lambda: secrets.token_hex(24),
    "owner_password": lambda: secrets.token_hex(24),
    "app_password": lambda: secrets.token_hex(24),
    "valkey_password": lambda: secrets.token_hex(24),
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "MASTER_KEYS": lambda: f"k1:{_key()}",
    "FINGERPRINT_KEY": _key,
    "PAYMENT_LINK_KEY": _key,
    "HUEY_KEY": lambda: secrets.token_hex(32),
    "PUSH_KEY": lambda: secrets.token_urlsafe(32),  # a number below P-256's order, but for one in 2**32
    "BACKUP_KEY": _key,
    "demo_password": lambda: secrets.token_urlsafe(18),
}
SETTINGS = ("SECRET_KEY", "MASTER_KEYS", "FINGERPRINT_KEY", "PAYMENT_LINK_KEY", "HUEY_KEY", "PUSH_KEY")
