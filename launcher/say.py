"""What the launcher tells the person at the terminal: plain lines, one at a time, never broken by another thread."""
import contextlib
import os
import sys
import threading
from typing import NoReturn, TextIO

_one_line_at_a_time = threading.Lock()


class Trouble(Exception):
    """The command cannot go on; the text says what is missing and what would help."""


def say(text: str, *, to: TextIO | None = None) -> None:
    """Print one line. A reader that went away (`bin/run | head`) is no reason to leave servers behind."""
    stream = to or sys.stderr
    with _one_line_at_a_time:
        try:
            stream.write(text + "\n")
            stream.flush()
        except (BrokenPipeError, ValueError):
            _send_to_nowhere(stream)


def give_up(problem: BaseException) -> NoReturn:
    say(f"quittance: {problem}")
    raise SystemExit(1)


def _send_to_nowhere(stream: TextIO) -> None:
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
