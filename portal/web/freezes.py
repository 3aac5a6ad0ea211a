"""What the pages of a requisite show of its freeze: for its trader and for staff alike."""
from typing import Any

from portal.core.db import reader
from portal.core.money import Money
from portal.orders import frozen
from portal.requisites import freezing
from portal.requisites.models import Requisite


def shown(requisite: Requisite) -> dict[str, Any]:
    """That its bank froze it, and the orders that touches."""
    found = freezing.of(reader(), requisite)
    return {"freeze": found, "stuck": None if found is None or found.stuck_minor is None else Money(
        found.stuck_minor, requisite.currency), "touched": [] if found is None else frozen.touched(
        reader(), requisite, found)}
