"""Secrets at rest: AES-256-GCM with key ids, a data key per owner, and a keyed fingerprint for look-ups.

A sealed value is `kid.nonce.ciphertext` with associated data `table|column|row|kid`: a value copied to another
row or column does not open. The data key of an owner (a trader, a store) is itself sealed with a master key.
"""
import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

log = structlog.get_logger("seals")
NONCE_BYTES = 12
KEY_BYTES = 32


class CannotOpen(Exception):
    """A sealed value does not open: wrong key, wrong row, or it was changed."""


@dataclass(frozen=True)
class Keyring:
    """Keys by id; `current` seals, any opens. Made from `kid:base64,kid:base64`, the first being current."""

    keys: dict[str, bytes]
    current: str

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """Raises ValueError with what is wrong, never with the key."""
        keys: dict[str, bytes] = {}
        for part in text.split(","):
            kid, _, encoded = part.strip().partition(":")
            if not kid.isalnum() or kid in keys:
                raise ValueError("each key needs an id of its own, as in k2:…,k1:…")
            try:
                keys[kid] = base64.b64decode(encoded, validate=True)
            except ValueError:
                raise ValueError(f"key {kid} is not base64") from None
            if len(keys[kid]) != KEY_BYTES:
                raise ValueError(f"key {kid} must be {KEY_BYTES} bytes")
        return cls(keys, next(iter(keys)))

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self.keys)})"

    @cached_property
    def _ciphers(self) -> dict[str, AESGCM]:
        """Made ready once: of each seal that would be two thirds."""
        return {kid: AESGCM(key) for kid, key in self.keys.items()}

    def seal(self, clear: bytes, *, place: str) -> bytes:
        """`place` says where it lies: table|column|row."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._ciphers[self.current].encrypt(nonce, clear, f"{place}|{self.current}".encode())
        return self.current.encode() + b"." + nonce + sealed

    def open(self, sealed: bytes, *, place: str) -> bytes:
        """Raises CannotOpen."""
        kid, _, rest = bytes(sealed).partition(b".")
        cipher = self._ciphers.get(kid.decode("ascii", "replace"))
        if cipher is None:
            raise CannotOpen(f"no key {kid!r}")
        try:
            return cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], f"{place}|{kid.decode()}".encode())
        except (InvalidTag, ValueError):  # the latter where it was cut within its nonce
            raise CannotOpen(place) from None


TAG_BYTES = 4


@dataclass(frozen=True)
class PrintRing:
    """Keys of fingerprints by their tags; the first makes, all are looked up while a key is changed."""

    keys: dict[bytes, bytes]

    @classmethod
    def of(cls, keys: Sequence[bytes]) -> "PrintRing":
        """Raises ValueError for a key that stands twice."""
        made = {hmac.digest(key, b"tag", hashlib.sha256)[:TAG_BYTES]: key for key in keys}
        if len(made) != len(keys):
            raise ValueError("names one key twice")
        return cls(made)

    def __repr__(self) -> str:
        return f"PrintRing({', '.join(tag.hex() for tag in self.keys)})"

    @cached_property
    def _macs(self) -> dict[bytes, hmac.HMAC]:
        return {tag: hmac.new(key, digestmod=hashlib.sha256) for tag, key in self.keys.items()}

    def prints(self, said: bytes) -> Iterator[bytes]:
        """By each key, the current one first: its tag and 224 bits."""
        for tag, keyed in self._macs.items():
            yield tag + _mac(keyed, said)[:-TAG_BYTES]


class Vault:
    """The desk's keys, set once by the application factory."""

    master: Keyring
    prints: PrintRing
    link_macs: tuple[hmac.HMAC, ...]


_vault = Vault()


def use(*, master: Keyring, fingerprint_keys: Sequence[bytes], link_keys: Sequence[bytes]) -> None:
    """Called by `create_app` with the keys of the settings, and again when they were read anew."""
    _vault.master, _vault.prints = master, PrintRing.of(fingerprint_keys)
    _vault.link_macs = tuple(hmac.new(key, digestmod=hashlib.sha256) for key in link_keys)


def seal(clear: str, *, place: str) -> bytes:
    """Seal with the master key: for a data key, a webhook's secret, a seed. `place`: table|column|row."""
    return _vault.master.seal(clear.encode(), place=place)


def open_sealed(sealed: bytes, *, place: str) -> str:
    """Raises CannotOpen."""
    return _vault.master.open(sealed, place=place).decode()


def opened_or_none(sealed: bytes, *, place: str) -> str | None:
    """For who reads it among others, as on a page: None, with a line in the log, where it does not open."""
    try:
        return open_sealed(sealed, place=place)
    except CannotOpen:
        log.error("seal_not_opened", place=place)
        return None


def sealed_anew(sealed: bytes, *, place: str) -> bytes:
    """The same with the current master key. Raises CannotOpen."""
    return _vault.master.seal(_vault.master.open(sealed, place=place), place=place)


def current_key() -> str:
    """The id of the master key that seals."""
    return _vault.master.current


def key_ids() -> list[str]:
    """Of all master keys, the current one first."""
    return list(_vault.master.keys)


def new_data_key(place: str) -> bytes:
    """A fresh key of one owner, sealed with the master key."""
    return _vault.master.seal(secrets.token_bytes(KEY_BYTES), place=place)


def data_keyring(sealed_key: bytes, *, place: str) -> Keyring:
    """The owner's key, ready to seal and open. Raises CannotOpen."""
    return Keyring({"d1": _vault.master.open(sealed_key, place=place)}, "d1")


def fingerprint(kind: str, text: str) -> bytes:
    """32 bytes that are equal for equal text of a kind and say nothing without the key: for look-ups.

    They begin with the tag of their key, so that a row says whether it is to be made anew (`core.reprinting`).
    """
    return next(_vault.prints.prints(f"{kind}|{text}".encode()))


def fingerprints(kind: str, text: str) -> list[bytes]:
    """By every key there is, the current one first: what a look-up asks for. More than one only while a key changes."""
    return list(_vault.prints.prints(f"{kind}|{text}".encode()))


def print_tags() -> list[bytes]:
    """What prints of our keys begin with, the current one's first."""
    return list(_vault.prints.keys)


def link_token(id_bytes: bytes) -> str:
    """The secret part of a payment link: 192 bits of HMAC over the order's id, url-safe; stored nowhere."""
    return _link_token(_vault.link_macs[0], id_bytes)


def is_link_token(given: str, id_bytes: bytes) -> bool:
    """Whether one of our keys, the old ones too, made it."""
    tries = [same(given, _link_token(mac, id_bytes)) for mac in _vault.link_macs]
    return any(tries)


def _link_token(key: hmac.HMAC, id_bytes: bytes) -> str:
    return base64.urlsafe_b64encode(_mac(key, id_bytes)[:24]).decode()


def _mac(key: hmac.HMAC, said: bytes) -> bytes:
    mac = key.copy()  # hmac.digest would let go of the GIL: dearer than the sum, on the event loop
    mac.update(said)
    return mac.digest()


def same(left: str | bytes, right: str | bytes) -> bool:
    """Compare in constant time."""
    as_bytes = [side.encode() if isinstance(side, str) else side for side in (left, right)]
    return hmac.compare_digest(*as_bytes)


def sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
