"""What staff may ask of rules, lists and reviews."""
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from portal.core import names
from portal.core.commands import Command
from portal.risk.kinds import HISTORY_MAX, WINDOWS_S

Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]
KindName = Literal["velocity_count", "velocity_amount", "amount", "first_orders", "expired_share", "receipt_seen",
                   "network_mismatch", "destination_is_requisite", "destination_shared"]


class SetRule(Command):
    """A rule as its form describes it; which of the terms it needs, its kind says. `amount` as people type it."""

    name: names.Name
    verdict: Literal["allow", "review", "deny"]
    score: Annotated[int, Field(ge=0, le=100)] = 0
    direction: Literal["payin", "payout"] | None = None
    store_id: Annotated[str, StringConstraints(max_length=40)] | None = None
    by: Literal["customer", "ip", "network", "destination", "requisite", "store"] | None = None
    window_s: Annotated[int, Field(ge=min(WINDOWS_S), le=max(WINDOWS_S))] | None = None
    most: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{3,10}$")] | None = None
    amount: Annotated[str, StringConstraints(max_length=60)] | None = None
    completed_min: Annotated[int, Field(ge=1, le=HISTORY_MAX)] | None = None
    orders_min: Annotated[int, Field(ge=1, le=HISTORY_MAX)] | None = None
    share_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    reason: Reason


class AddRule(SetRule):
    kind: KindName


class ChangeRule(SetRule):
    rule_id: Annotated[str, StringConstraints(max_length=40)]


class SwitchRule(Command):
    """`off` of a rule that is on waits for a second person."""

    rule_id: Annotated[str, StringConstraints(max_length=40)]
    mode: Literal["off", "shadow", "on", "archived"]
    reason: Reason


class AskReplay(Command):
    rule_id: Annotated[str, StringConstraints(max_length=40)]
    days: Annotated[int, Field(ge=1, le=90)] = 7


class AddEntry(Command):
    """`value` as people type it: an address or a network, a customer's id, a number, a name. `completed`: a class's."""

    verdict: Literal["allow", "deny", "class"]
    kind: Literal["network", "customer", "destination", "holder"]
    value: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    store_id: Annotated[str, StringConstraints(max_length=40)] | None = None
    completed: Annotated[int, Field(ge=0, le=HISTORY_MAX)] | None = None
    days: Annotated[int, Field(ge=1, le=3650)] | None = None
    reason: Reason


class RemoveEntry(Command):
    entry_id: Annotated[str, StringConstraints(max_length=40)]
    reason: Reason


class DecideReview(Command):
    """A person's word on an order in review."""

    order_id: Annotated[str, StringConstraints(max_length=60)]
    decision: Literal["release", "refuse"]
    reason: Reason
