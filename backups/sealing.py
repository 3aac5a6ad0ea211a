"""What lies in a backup: compressed, then sealed with AES-256-GCM piece by piece, so that no size is too large.

A file is MAGIC, a salt, and pieces. Each piece is sealed with a key of this file alone, its number and whether it is
the last as the nonce, and the file's name in the backup beside it: one that was cut short, changed, or put in
another's place does not open.
"""
import base64
import hashlib
import os
import secrets
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from launcher.say import Trouble

MAGIC = b"QUITTANCE-BACKUP-1\n"
SALT_BYTES, KEY_BYTES, TAG_BYTES = 16, 32, 16
PIECE_BYTES = 1024 * 1024
QUICKLY = 1  # zlib's level: a desk is at work beside it


def parse_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise Trouble(f"BACKUP_KEY must be {KEY_BYTES} bytes in base64, as `bin/flask backup key` prints it")
    return key


def fingerprint(key: bytes) -> str:
    """Which key a backup needs, told without telling the key."""
    return hashlib.sha256(b"quittance backup key" + key).hexdigest()[:12]


def pieces(source: IO[bytes]) -> Iterator[bytes]:
    while piece := source.read(PIECE_BYTES):
        yield piece


def seal(clear: Iterable[bytes], target: Path, key: bytes, *, name: str) -> int:
    """Write it whole or not at all; returns the bytes written. `name`: what it is, the same when it is opened."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            _write(clear, file, key, name)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        half.replace(target)
    finally:
        half.unlink(missing_ok=True)
    _sync(target.parent)
    return size


def opened(path: Path, key: bytes, *, name: str) -> Iterator[bytes]:
    """Its clear bytes. Raises Trouble when it is not what was sealed under that name with this key."""
    unpacker = zlib.decompressobj()
    for piece in _unsealed(path, key, name):
        if clear := unpacker.decompress(piece):
            yield clear
    if rest := unpacker.flush():
        yield rest


def _write(clear: Iterable[bytes], file: BinaryIO, key: bytes, name: str) -> None:
    salt = secrets.token_bytes(SALT_BYTES)
    cipher = _cipher(key, salt)
    file.write(MAGIC + salt)
    number, held = 0, bytearray()
    for packed in _packed(clear):
        held += packed
        while len(held) > PIECE_BYTES:  # never all of it: the last piece is marked as such
            file.write(cipher.encrypt(_nonce(number, last=False), bytes(held[:PIECE_BYTES]), name.encode()))
            del held[:PIECE_BYTES]
            number += 1
    file.write(cipher.encrypt(_nonce(number, last=True), bytes(held), name.encode()))


def _packed(clear: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(QUICKLY)
    for piece in clear:
        yield packer.compress(piece)
    yield packer.flush()


def _unsealed(path: Path, key: bytes, name: str) -> Iterator[bytes]:
    try:
        with open(path, "rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise Trouble(f"{path} is no file of a backup")
            cipher, number = _cipher(key, file.read(SALT_BYTES)), 0
            sealed = file.read(PIECE_BYTES + TAG_BYTES)
            while True:
                following = file.read(PIECE_BYTES + TAG_BYTES)
                yield cipher.decrypt(_nonce(number, last=not following), sealed, name.encode())
                if not following:
                    return
                sealed, number = following, number + 1
    except InvalidTag:
        raise Trouble(f"{path} does not open: another key, or it was changed or cut short") from None
    except OSError as problem:
        raise Trouble(f"{path} cannot be read ({problem.strerror})") from problem


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt, b"quittance backup").derive(key))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
