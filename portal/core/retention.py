"""How many days each kind of personal data is kept: from the settings, once, for whoever purges."""
from collections.abc import Mapping
from datetime import datetime, timedelta

from portal.core import clock

KINDS = ("customers", "addresses", "receipts", "messages", "applications", "sessions", "mails", "calls")
_days: dict[str, int] = {"sessions": 30, "mails": 7, "calls": 7}


def configure(days: Mapping[str, int]) -> None:
    """0 keeps a kind for ever."""
    assert set(days) == set(KINDS)
    _days.update(days)


def days(kind: str) -> int:
    return _days.get(kind, 0)


def before(kind: str) -> datetime | None:
    """What ended earlier is purged; None: nothing is."""
    return clock.now() - timedelta(days=days(kind)) if days(kind) else None
