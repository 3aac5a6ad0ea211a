"""What `flask doctor` looks at, one module a matter; each says in words what to do."""
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from sqlalchemy.orm import Session

from portal.settings import Settings


class Need(IntEnum):
    """How much it matters; the worst one is the command's exit code."""

    WELL, LOOK, ACT = 0, 1, 2


@dataclass(frozen=True)
class Finding:
    """`found`: what is so; `do`: what to do about it, empty when well."""

    need: Need
    about: str
    found: str
    do: str = ""


Examination = Callable[[Session, Settings], Iterator[Finding]]


def judged(about: str, found: str, do: str, *, act: bool, look: bool = False) -> Finding:
    """One finding: to act on, to look at, or well (then nothing is to do)."""
    need = Need.ACT if act else Need.LOOK if look else Need.WELL
    return Finding(need, about, found, do if need else "")
