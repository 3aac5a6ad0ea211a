"""What a badge is made of."""
from typing import NamedTuple


def N_(text: str) -> str:
    """Marks words for translation; the template translates when it knows the reader's language."""
    return text


class Look(NamedTuple):
    tone: str
    icon: str
    label: str
