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
LOOKS = 64  # at lines of it, at even distances
FIRST, LAST = b"00000", b"FFFFF"  # of a whole list: it holds hundreds of each such beginning
_LINE = re.compile(rb"[0-9A-Fa-f]{40}(:\d+)?\r?\n")
_open: int | None = None  # a descriptor: what is read is what was there at the start


def wrong_with(path: str) -> str | None:
    """Why it is no such list, or not all of it; None where it looks right. Some seventy reads.

    Whatever is not found in it may be chosen, so that half a list, or one in another order, must not be taken for one.
    """
    try:
        with open(path, "rb") as file:
            return _wrong_with(file.fileno())
    except OSError as problem:
        return f"cannot be read: {problem.strerror}"


def _wrong_with(file: int) -> str | None:
    size = os.fstat(file).st_size
    first, last = os.pread(file, LINE_MAX, 0), os.pread(file, 2 * LINE_MAX, max(0, size - 2 * LINE_MAX))
    middle = [os.pread(file, 2 * LINE_MAX, size * step // LOOKS) for step in range(1, LOOKS)]
    lines = [first.split(b"\n")[0], *(part.split(b"\n")[1] for part in middle if part.count(b"\n") > 1),
             last.rstrip(b"\r\n").rpartition(b"\n")[2]]
    if not all(_LINE.fullmatch(line + b"\n") for line in lines):
        return "must hold SHA-1 digests in hex, one a line"
    digests = [line[:DIGITS].upper() for line in lines]
    if digests != sorted(digests):
        return "must be sorted by its digests"
    if not (digests[0].startswith(FIRST) and digests[-1].startswith(LAST)):
        return f"must reach from {FIRST.decode()}… to {LAST.decode()}…: it is only a part of the list"
    return None


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
