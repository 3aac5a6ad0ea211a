"""How an API key is spelled: `qk_live_<id>_<secret><checksum>`, base62.

The id is for the look-up, the secret has 256 bits, and the CRC32 over all before it lets scanners find leaked keys
and a typo cost no query.
"""
import re
import secrets
import zlib
from dataclasses import dataclass

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PREFIX = "qk_"
ID_CHARS = 12
SECRET_CHARS = 43  # 62^43 > 2^256
CHECKSUM_CHARS = 6  # 62^6 > 2^32
SPELLING = re.compile(
    rf"qk_(live|test)_([0-9A-Za-z]{{{ID_CHARS}}})_[0-9A-Za-z]{{{SECRET_CHARS}}}([0-9A-Za-z]{{{CHECKSUM_CHARS}}})")


@dataclass(frozen=True)
class Spelled:
    """What a token says of itself."""

    public_id: str
    live: bool


def new(*, live: bool) -> tuple[str, str]:
    """A fresh token: (public id, the whole token)."""
    public_id = "".join(secrets.choice(ALPHABET) for _ in range(ID_CHARS))
    return public_id, spelled(live=live, public_id=public_id, secret=secrets.randbits(256))


def new_signing_secret() -> str:
    """`qsign_…`, 256 random bits and a checksum: what calls are signed with."""
    head = f"qsign_{_base62(secrets.randbits(256), SECRET_CHARS)}"
    return head + checksum(head)


def spelled(*, live: bool, public_id: str, secret: int) -> str:
    """The token of this id and these 256 bits."""
    head = f"qk_{'live' if live else 'test'}_{public_id}_{_base62(secret, SECRET_CHARS)}"
    return head + checksum(head)


def read(token: str) -> Spelled | None:
    """None for what no key of ours is spelled like, typos included."""
    found = SPELLING.fullmatch(token)
    if found is None or checksum(token[:-CHECKSUM_CHARS]) != found[3]:
        return None
    return Spelled(found[2], found[1] == "live")


def checksum(head: str) -> str:
    return _base62(zlib.crc32(head.encode()), CHECKSUM_CHARS)


def _base62(number: int, length: int) -> str:
    letters = []
    for _ in range(length):
        number, rest = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[rest])
    return "".join(reversed(letters))
