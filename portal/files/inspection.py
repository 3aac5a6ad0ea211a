"""What a stranger's file really is: found by its content, in a process of its own with bounds, and written anew.

Nothing of the desk decodes foreign bytes in its own process. An image comes back without anything but its pixels, on
white; a PDF without scripts, attachments or actions; whatever is neither does not come back.
"""
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import structlog

from portal.core.errors import FieldError, Invalid

log = structlog.get_logger("files")
BYTES_MAX = 5 * 1024 * 1024
TIME_S = 8  # of the other process, start included
NAME_MAX = 120
ERROR_MAX = 200  # characters of what the other process said
N_ = str  # marks a sentence for translation
REASONS = {
    "empty": N_("“%(name)s” is empty. Choose the file again."),
    "too_large": N_("“%(name)s” is larger than 5 MB. Send a screenshot, or a smaller photo."),
    "unreadable": N_("“%(name)s” is no picture or PDF that can be read. Send a PNG, JPEG, WebP or PDF."),
    "protected": N_("“%(name)s” is protected by a password. Save it without one, or send a screenshot."),
    "too_long": N_("“%(name)s” has more than 50 pages, or none. Send only the pages that matter."),
    "too_many_pixels": N_("“%(name)s” has more than 25 million pixels. Send a screenshot, or a smaller photo."),
    "too_slow": N_("“%(name)s” is too intricate to be read. Send a screenshot of it."),
    "infected": N_("“%(name)s” carries what our scanner knows as a virus. Send a screenshot from another device."),
}
"""What is wrong with a file and what to do, by the word that the other process has for it."""


class BadFile(Invalid):
    """This file cannot be taken. Send a PNG, JPEG, WebP or PDF of at most 5 MB."""

    code = "bad_file"

    def of_field(self, field: str, name: str) -> "BadFile":
        """The same of one file among several: it is named, with what to do."""
        return BadFile(fields=[FieldError(f"/{field}", self.code, REASONS[self.reason], {"name": name})],
                       reason=self.reason)

    @property
    def reason(self) -> str:
        return str(self.details.get("reason", "unreadable"))


SAID = {3: "protected", 4: "too_long", 5: "too_many_pixels", 6: "too_slow"}
"""Exit codes of the other process: see `sandbox.Refused`."""


@dataclass(frozen=True)
class Upload:
    """As it came: `name` is the sender's word for it."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Inspected:
    """`content` is what may be kept and shown. `picture_hash`: 64 bits, signed, of how an image looks."""

    content: bytes
    content_type: str
    picture_hash: int | None


def inspect(upload: Upload) -> Inspected:
    """Raises BadFile: too large, empty, of another kind, broken, protected, or a bomb."""
    if not upload.content:
        raise BadFile(reason="empty")
    if len(upload.content) > BYTES_MAX:
        raise BadFile(reason="too_large")
    try:
        done = _run(upload.content)
    except subprocess.TimeoutExpired:
        raise BadFile(reason="too_slow") from None
    head, _, content = done.stdout.partition(b"\n")
    if done.returncode or not content:
        log.info("file_refused", code=done.returncode, error=done.stderr.decode(errors="replace")[-ERROR_MAX:])
        raise BadFile(reason=SAID.get(done.returncode, "unreadable"))
    found = json.loads(head)
    return Inspected(content, found["content_type"], found["picture_hash"])


def _run(content: bytes) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run([sys.executable, "-I", str(Path(__file__).with_name("sandbox.py"))], input=content,
                          capture_output=True, timeout=TIME_S, env={}, check=False)


def shown_name(name: str) -> str:
    """What may be shown and sent as the name of a download: no path, nothing that is drawn as nothing."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(one for one in last if one.isprintable() and one not in '"<>|:*?')
    return plain.strip(" .")[-NAME_MAX:] or "file"
