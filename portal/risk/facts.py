"""What rules judge: plain values about one order at one moment, collected by who has the order."""
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from uuid import UUID


class Moment(StrEnum):
    """When an order is judged."""

    INTAKE = "intake"  # before it is first matched
    CLAIM = "claim"  # the sender says that the money is sent
    CONFIRM = "confirm"  # the receiver's side says that it has come


class Verdict(StrEnum):
    ALLOW = "allow"
    REVIEW = "review"
    DENY = "deny"


WORST = {Verdict.ALLOW: 0, Verdict.REVIEW: 1, Verdict.DENY: 2}


class By(StrEnum):
    """Whose orders a rule counts. A customer is one of a store; the others are the same for every store."""

    CUSTOMER = "customer"
    IP = "ip"
    NETWORK = "network"  # /24 of IPv4, /64 of IPv6
    DESTINATION = "destination"
    REQUISITE = "requisite"
    STORE = "store"


@dataclass(frozen=True)
class Window:
    """What is counted: orders by whom, over how long."""

    by: By
    seconds: int

    @property
    def length(self) -> timedelta:
        return timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class Counted:
    """Orders in a window, this one included; amounts in minor units by currency."""

    count: int = 0
    minor: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class History:
    """Of the last orders of one customer, or from one address, before this one."""

    orders: int = 0
    completed: int = 0
    expired: int = 0


@dataclass(frozen=True)
class Entry:
    """An entry of a list that this order is on."""

    id: UUID
    verdict: Verdict  # allow or deny
    kind: str
    shown: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """`counted` and `history` hold what rules in force ask for; what is not known there is nothing."""

    moment: Moment
    direction: str
    store_id: UUID
    currency: str
    amount_minor: int
    counted: Mapping[Window, Counted] = field(default_factory=dict)
    history: Mapping[By, History] = field(default_factory=dict)  # by customer, by ip
    receipts_seen: int = 0  # of its receipts, those that stand on other orders too
    destination_is_requisite: bool = False
    network_differs: bool = False  # its payer's page was opened from another network than its store told
    destination_customers: int = 0  # other customers of any store who were paid there
    entries: tuple[Entry, ...] = ()
    classed: int | None = None  # completed orders that its customer's class counts as; None: no class was set

    @property
    def completed(self) -> int:
        """Orders that its customer completed with the store, as his class has it: 0 makes him new whatever he did."""
        own = self.history.get(By.CUSTOMER, History()).completed
        return max(own, self.classed) if self.classed else own if self.classed is None else 0
