"""Ids: a ULID kept as `uuid` in the database and shown as `pin_01J…` outside.

Made by the application, so that a row's id is known before it is written; ordered by time to the millisecond,
so that new rows land at the end of an index.
"""
import os
import time
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from portal.core.errors import NotFound

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base32: no I, L, O, U
LENGTH = 26
_DIGITS = b"0123456789abcdefghijklmnopqrstuv"  # as `int` knows them; whatever is none of ours becomes what it refuses
_AS_DIGITS = bytes(_DIGITS[ALPHABET.index(chr(byte))] if chr(byte) in ALPHABET else ord("!") for byte in range(256))
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_SHIFTS = range(120, -1, -10)
_RANDOM_BYTES, _STOCK = 10, 400
# Fetched for many ids at once: each look at the system's source lets go of the GIL, and an event loop that creates
# orders would wait for it again three times an order. Ids are no secrets; a forked process fetches its own.
_random: list[bytes] = []
os.register_at_fork(after_in_child=_random.clear)


def new_id() -> UUID:
    """48 bits of Unix milliseconds, then 80 random bits."""
    while True:
        try:
            return UUID(bytes=(time.time_ns() // 1_000_000).to_bytes(6, "big") + _random.pop())
        except IndexError:
            fetched = os.urandom(_RANDOM_BYTES * _STOCK)
            _random.extend(fetched[at:at + _RANDOM_BYTES] for at in range(0, len(fetched), _RANDOM_BYTES))


def first_of(moment: datetime) -> UUID:
    """The least id of this millisecond: what was made before it has a lower one."""
    return UUID(bytes=int(moment.timestamp() * 1000).to_bytes(6, "big") + bytes(_RANDOM_BYTES))


@lru_cache(256)
def text(id: UUID) -> str:
    """26 characters of Crockford's base32; remembered for a moment, since an order shows its id in several places."""
    value = id.int
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in _SHIFTS])


def public(prefix: str, id: UUID) -> str:
    """`public("pin", id)` → `pin_01J…`."""
    return f"{prefix}_{text(id)}"


def parse(prefix: str, shown: str) -> UUID:
    """The id behind `pin_01J…`. Anything else is a record that does not exist: raises NotFound."""
    head, _, body = shown.rpartition("_")
    if head != prefix or len(body) != LENGTH or body[0] > "7":
        raise NotFound()
    try:
        return UUID(int=int(body.encode("ascii").translate(_AS_DIGITS), 32))
    except ValueError:  # UnicodeEncodeError among them
        raise NotFound() from None


def parse_any(prefixes: tuple[str, ...], shown: str) -> UUID:
    """As `parse`, for an address that takes several kinds (`pin_…`, `pout_…`). Raises NotFound."""
    return parse(next((p for p in prefixes if shown.startswith(f"{p}_")), prefixes[0]), shown)
