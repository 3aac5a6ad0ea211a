"""Passwords that leaked somewhere, looked up in a list of the operator's: nothing leaves the desk.

The list is the file that the downloader of Have I Been Pwned writes: a line a password, sorted, each the SHA-1 in hex
and how often it was seen. It is searched where it lies, some forty reads in a file of forty gigabytes.
"""
import os
import re
from hashlib import sha1

LINE_MAX = 64  # bytes: 40 of the digest, a colon, a count, the line's end
BLOCK = 4096
DIGITS = 40
_LINE = re.compile(rb"[0-9A-Fa-f]{40}(:\d+)?\r?\n")
_open: int | None = None  # a descriptor: what is read is what was there at the start


def looks_right(path: str) -> bool:
    """Is it such a file? Its first line says."""
    try:
        with open(path, "rb") as file:
            return _LINE.fullmatch(file.readline(LINE_MAX)) is not None
    except OSError:
        return False


def use(path: str | None) -> None:
    """Called by the application factory."""
    global _open
    if _open is not None:
        os.close(_open)
    _open = None if path is None else os.open(path, os.O_RDONLY)


def has(password: str) -> bool:
    """Did it leak? False where no list is named."""
    if _open is None:
        return False
    digest = sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    low, high = 0, os.fstat(_open).st_size  # a line of it begins between them, both ends included
    while high - low > BLOCK:
        middle = (low + high) // 2
        part = os.pread(_open, 2 * LINE_MAX, middle)
        begin = part.find(b"\n") + 1  # of the first line that begins after the middle
        if part[begin:begin + DIGITS].upper() <= digest:
            low = middle + begin
        else:
            high = middle
    return any(line[:DIGITS].upper() == digest for line in os.pread(_open, high - low + LINE_MAX, low).splitlines())
