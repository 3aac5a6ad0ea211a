"""The Procfile: which processes the desk is made of, and how each is started."""
from pathlib import Path

from launcher.home import ROOT
from launcher.say import Trouble

RELEASE = "release"  # not a process: run once, before the others


def read(file: Path = ROOT / "Procfile") -> dict[str, str]:
    """Name to command line, in the order of the file."""
    found = {}
    for line in file.read_text("utf-8").splitlines():
        name, colon, command = line.partition(":")
        if line.strip() and not line.startswith("#"):
            if not colon or not command.strip():
                raise Trouble(f"{file}: not a `name: command` line: {line}")
            found[name.strip()] = command.strip()
    return found


def processes(only: list[str], file: Path = ROOT / "Procfile") -> dict[str, str]:
    """What to keep running: everything but the release, or just the named ones."""
    found = {name: command for name, command in read(file).items() if name != RELEASE}
    unknown = [name for name in only if name not in found]
    if unknown:
        raise Trouble(f"the Procfile has no process {', '.join(unknown)}; it has {', '.join(found)}")
    return {name: command for name, command in found.items() if not only or name in only}
