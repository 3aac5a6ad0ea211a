"""What can be told: the event types, as the gateway documents them."""

ALL_TYPES = "*"
PING = "test.ping"
_STEPS = ("new", "assigned", "paid", "confirmed", "completed", "disputed", "cancelled", "expired", "failed")
TYPES: tuple[str, ...] = (
    *(f"{direction}.{step}" for direction in ("payin", "payout") for step in _STEPS),
    "dispute.opened", "dispute.answered", "dispute.decided",
    "balance.credited", "balance.debited", PING)
TOLD: tuple[str, ...] = tuple(f"{direction}.{step}" for direction in ("payin", "payout") for step in (
    "new", "assigned", "paid", "confirmed", "completed", "cancelled", "expired", "failed"))
"""Those that the desk sends today; an endpoint may name the others already."""
