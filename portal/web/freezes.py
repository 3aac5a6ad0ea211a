"""What the pages of a requisite show of its freeze: for its trader and for staff alike."""
from typing import Any

from portal.core.db import reader
from portal.core.money import Money
from portal.orders import frozen
from portal.requisites import freezing
from portal.requisites.models import Requisite


def shown(requisite: Requisite) -> dict[str, Any]:
    """That its bank froze it, and the orders that touches; or that it did once, and what was stuck then."""
    found = freezing.of(reader(), requisite)
    told = found or freezing.last_ended(reader(), requisite)
    return {"freeze": found, "past_freeze": told if found is None else None,
            "stuck": None if told is None or told.stuck_minor is None else Money(told.stuck_minor, requisite.currency),
            "touched": [] if found is None else frozen.touched(reader(), requisite, found)}
