"""What can be told: the event types, as the gateway documents them."""

ALL_TYPES = "*"
PING = "test.ping"
_DISPUTE = ("dispute.opened", "dispute.answered", "dispute.decided")
_BALANCE = ("balance.credited", "balance.debited")  # by treasury: a line of the statement
_STEPS = ("new", "assigned", "paid", "confirmed", "completed", "corrected", "disputed", "cancelled", "expired",
          "failed")
TYPES: tuple[str, ...] = (
    *(f"{direction}.{step}" for direction in ("payin", "payout") for step in _STEPS),
    *_DISPUTE, *_BALANCE, PING)
TOLD: tuple[str, ...] = (
    *(f"{direction}.{step}" for direction in ("payin", "payout") for step in (
        "new", "assigned", "paid", "confirmed", "completed", "corrected", "disputed", "cancelled", "expired",
        "failed")),
    *_DISPUTE, *_BALANCE)
"""Those that the desk sends today; an endpoint may name the others already."""
