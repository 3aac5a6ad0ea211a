"""What kinds of rules there are: which terms each has, when it judges, and what makes it fire."""
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from portal.risk.facts import By, Counted, Facts, History, Moment, Window

HISTORY_MAX = 50
"""Orders of one customer, or from one address, that are looked back upon."""
WINDOWS_S = (300, 900, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600, 30 * 24 * 3600)
Terms = Mapping[str, Any]
What = dict[str, Any]
"""The numbers for which a rule fired, for people to read. None: it did not."""


@dataclass(frozen=True)
class Kind:
    """`terms`: fields of SetRule that it needs. `allowed`: an allow entry wins over it."""

    terms: tuple[str, ...]
    moments: frozenset[Moment]
    fires: Callable[[Terms, Facts], What | None]
    by: tuple[By, ...] = ()  # to choose from
    allowed: bool = False

    def judges(self, terms: Terms, moment: Moment) -> bool:
        """A requisite is known once the money is said to be sent, and only then."""
        if terms.get("by") == By.REQUISITE:
            return moment is Moment.CLAIM
        return moment in self.moments


    def can_replay(self, terms: Terms) -> bool:
        """What it judges is still known of past orders: not who sent which receipt, not which requisite was where."""
        return self.judges(terms, Moment.INTAKE)


def window_of(terms: Terms) -> Window:
    return Window(By(terms["by"]), terms["window_s"])


def _count(terms: Terms, facts: Facts) -> What | None:
    found = facts.counted.get(window_of(terms), Counted()).count
    return {"count": found, "most": terms["most"]} if found > terms["most"] else None


def _amount_in_window(terms: Terms, facts: Facts) -> What | None:
    found = facts.counted.get(window_of(terms), Counted()).minor.get(terms["currency"], 0)
    if facts.currency != terms["currency"] or found <= terms["amount_minor"]:
        return None
    return {"currency": terms["currency"], "sum_minor": found, "most_minor": terms["amount_minor"]}


def _amount(terms: Terms, facts: Facts) -> What | None:
    if facts.currency != terms["currency"] or facts.amount_minor <= terms["amount_minor"]:
        return None
    return {"currency": terms["currency"], "amount_minor": facts.amount_minor, "most_minor": terms["amount_minor"]}


def _first_orders(terms: Terms, facts: Facts) -> What | None:
    above = _amount(terms, facts)
    if not above or facts.completed >= terms["completed_min"]:
        return None
    return above | {"completed": facts.completed} | ({} if facts.classed is None else {"class": facts.classed})


def _expired_share(terms: Terms, facts: Facts) -> What | None:
    past = facts.history.get(By(terms["by"]), History())
    if past.orders < terms["orders_min"] or past.expired * 100 <= terms["share_percent"] * past.orders:
        return None
    return {"expired": past.expired, "orders": past.orders}


def _receipt_seen(terms: Terms, facts: Facts) -> What | None:
    return {"receipts": facts.receipts_seen} if facts.receipts_seen else None


def _network_mismatch(terms: Terms, facts: Facts) -> What | None:
    return {} if facts.network_differs else None


def _destination_is_requisite(terms: Terms, facts: Facts) -> What | None:
    return {} if facts.destination_is_requisite else None


def _destination_shared(terms: Terms, facts: Facts) -> What | None:
    found = facts.destination_customers
    return {"customers": found, "most": terms["most"]} if found > terms["most"] else None


_INTAKE, _MONEY = frozenset({Moment.INTAKE}), frozenset({Moment.CLAIM, Moment.CONFIRM})
_CLAIM = frozenset({Moment.CLAIM})
KINDS: Mapping[str, Kind] = {
    "velocity_count": Kind(("by", "window_s", "most"), _INTAKE, _count, tuple(By), allowed=True),
    "velocity_amount": Kind(("by", "window_s", "currency", "amount"), _INTAKE, _amount_in_window, tuple(By),
                            allowed=True),
    "amount": Kind(("currency", "amount"), _INTAKE, _amount),
    "first_orders": Kind(("completed_min", "currency", "amount"), _INTAKE, _first_orders),
    "expired_share": Kind(("by", "orders_min", "share_percent"), _INTAKE, _expired_share, (By.CUSTOMER, By.IP)),
    "receipt_seen": Kind((), _MONEY, _receipt_seen),
    "network_mismatch": Kind((), _CLAIM, _network_mismatch, allowed=True),
    "destination_is_requisite": Kind((), _INTAKE | _MONEY, _destination_is_requisite),
    "destination_shared": Kind(("most",), _INTAKE, _destination_shared),
}
