"""How a state looks: its tone, its icon and its word, once for every page. Colour is only ever for state.

Tones: `act` somebody must act now · `wait` waiting for others · `ok` good end · `bad` trouble · `off` over ·
`test` test mode only.
"""
from portal.web.looks import N_, Look
from portal.web.order_looks import ORDER

__all__ = ["LOOKS", "N_", "Look"]

LOOKS: dict[str, dict[str, Look]] = {
    # As the store, the staff and the payer see an order.
    "order": ORDER,
    # The trader is who must act once the payer says so.
    "trader_payin": ORDER | {
        "paid": Look("act", "bell", N_("Payer says paid")),
        "completed": Look("ok", "check", N_("Completed")),
    },
    "trader_payout": ORDER | {
        "offered": Look("act", "bell", N_("Accept or refuse")),
        "assigned": Look("act", "bell", N_("Send the money")),
        "paid": Look("wait", "clock", N_("Waiting for the store")),
    },
    "payout": ORDER | {
        "retrying": Look("wait", "refresh-cw", N_("Looking for a trader")),
        "accepted": Look("wait", "clock", N_("Taken on by a trader")),
        "assigned": Look("wait", "clock", N_("Being sent")),
        "paid": Look("act", "bell", N_("Sent, please check")),
    },
    # The desk itself, for the public.
    "status": {
        "ok": Look("ok", "check", N_("Works")),
        "slow": Look("wait", "hourglass", N_("Slow")),
        "paused": Look("wait", "pause", N_("Paused")),
        "down": Look("bad", "circle-alert", N_("Down")),
    },
    # Payouts that are not made yet.
    "payout_import": {
        "checked": Look("act", "bell", N_("Not sent yet")),
        "waiting": Look("wait", "clock", N_("Waits for a second person")),
        "making": Look("wait", "refresh-cw", N_("Being made")),
        "done": Look("ok", "check", N_("All made")),
        "withdrawn": Look("off", "x", N_("Withdrawn")),
        "refused": Look("bad", "x", N_("Refused")),
        "expired": Look("off", "x", N_("Expired")),
    },
    "payout_row": {
        "right": Look("wait", "clock", N_("To be made")),
        "wrong": Look("bad", "circle-alert", N_("To be mended")),
        "made": Look("ok", "check", N_("Payout made")),
        "failed": Look("bad", "circle-alert", N_("Not made")),
    },
    "assignment": {
        "open": Look("wait", "clock", N_("Under way")),
        "lingering": Look("wait", "hourglass", N_("Replaced, still payable")),
        "chosen": Look("ok", "check", N_("Paid here")),
        "ended": Look("off", "x", N_("Ended")),
    },
    # An attempt that ended without money, as its trader sees it.
    "lost": {
        "declined": Look("off", "x", N_("You refused")),
        "expired": Look("off", "x", N_("Expired")),
        "cancelled": Look("off", "x", N_("Cancelled")),
        "replaced": Look("off", "x", N_("Paid elsewhere, or not at all")),
    },
    "requisite": {
        "pending": Look("wait", "clock", N_("Waiting for approval")),
        "active": Look("ok", "check", N_("Active")),
        "paused": Look("off", "pause", N_("Paused")),
        "rejected": Look("bad", "x", N_("Rejected")),
        "blocked": Look("bad", "ban", N_("Blocked")),
        "frozen": Look("bad", "hourglass", N_("Frozen by its bank")),
        "archived": Look("off", "archive", N_("Archived")),
    },
    # Merchants, traders, stores, users.
    "party": {
        "pending": Look("wait", "clock", N_("Waiting for approval")),
        "active": Look("ok", "check", N_("Active")),
        "suspended": Look("bad", "ban", N_("Suspended")),
        "disabled": Look("off", "x", N_("Disabled")),
    },
    "shift": {
        "on": Look("ok", "check", N_("On shift")),
        "off": Look("off", "pause", N_("Off shift")),
    },
    "approval": {
        "pending": Look("act", "bell", N_("Needs a decision")),
        "approved": Look("ok", "check", N_("Approved")),
        "rejected": Look("bad", "x", N_("Rejected")),
        "withdrawn": Look("off", "x", N_("Withdrawn")),
        "expired": Look("off", "x", N_("Expired")),
        "stale": Look("off", "x", N_("Out of date")),
    },
    "application": {
        "received": Look("wait", "clock", N_("Received")),
        "proposed": Look("act", "bell", N_("Needs a decision")),
        "accepted": Look("ok", "check", N_("Accepted")),
        "refused": Look("off", "x", N_("Refused")),
    },
    # What a tariff that is asked for does to a band of amounts.
    "band": {
        "added": Look("act", "plus", N_("New band")),
        "removed": Look("act", "x", N_("Band ends")),
        "changed": Look("act", "refresh-cw", N_("Changed")),
        "same": Look("off", "check", N_("As before")),
    },
    "deposit": {
        "asked": Look("wait", "clock", N_("Being looked for")),
        "credited": Look("ok", "check", N_("Credited")),
        "refused": Look("bad", "x", N_("Not found")),
        "retracted": Look("off", "x", N_("Taken back")),
    },
    # Whose word is next in a dispute, and how it ended.
    "dispute": {
        "store": Look("wait", "clock", N_("The store is asked")),
        "trader": Look("wait", "clock", N_("The trader is asked")),
        "staff": Look("wait", "clock", N_("Support looks at it")),
        "you": Look("act", "bell", N_("Your word, please")),
        "complete": Look("ok", "check", N_("Completed as ordered")),
        "adjust": Look("ok", "scale", N_("Settled on another amount")),
        "cancel": Look("off", "x", N_("Cancelled")),
        "stands": Look("ok", "check", N_("Stays as it was settled")),
        "correct": Look("ok", "scale", N_("Corrected to another amount")),
    },
    "adjustment": {
        "asked": Look("wait", "clock", N_("Waiting for approval")),
        "posted": Look("ok", "check", N_("In the books")),
        "refused": Look("bad", "x", N_("Refused")),
        "reversed": Look("off", "refresh-cw", N_("Reversed")),
    },
    "withdrawal": {
        "requested": Look("wait", "clock", N_("Waiting for approval")),
        "approved": Look("wait", "hourglass", N_("Being sent")),
        "sent": Look("ok", "check-check", N_("Sent")),
        "refused": Look("bad", "x", N_("Refused")),
        "cancelled": Look("off", "x", N_("Taken back")),
        "released": Look("off", "refresh-cw", N_("Given back")),
    },
    "address": {
        "pending": Look("wait", "clock", N_("Waiting for approval")),
        "resting": Look("wait", "hourglass", N_("Resting")),
        "active": Look("ok", "check", N_("Usable")),
        "refused": Look("bad", "x", N_("Refused")),
        "removed": Look("off", "archive", N_("Removed")),
    },
    "delivery": {
        "pending": Look("wait", "clock", N_("Waiting to be sent")),
        "retrying": Look("wait", "refresh-cw", N_("Trying again")),
        "delivered": Look("ok", "check", N_("Delivered")),
        "failed": Look("bad", "circle-alert", N_("Failed")),
        "dropped": Look("off", "x", N_("Dropped")),
    },
    "endpoint": {
        "active": Look("ok", "check", N_("Active")),
        "failing": Look("bad", "circle-alert", N_("Failing")),
        "disabled": Look("off", "x", N_("Switched off"))},
    "replay": {
        "running": Look("wait", "loader-circle", N_("Running")), "done": Look("ok", "check", N_("Done")),
        "bounded": Look("act", "circle-alert", N_("Done in part: there was more")),
        "stopped": Look("off", "x", N_("Stopped"))},
    "signature": {
        "verified": Look("ok", "shield-check", N_("Signature verified")),
        "refused": Look("bad", "shield-alert", N_("The signature does not verify"))},
    "job": {
        "queued": Look("wait", "clock", N_("Queued")),
        "running": Look("wait", "loader-circle", N_("Running")),
        "retrying": Look("wait", "refresh-cw", N_("Trying again")),
        "done": Look("ok", "check", N_("Done")),
        "dead": Look("bad", "circle-alert", N_("Dead")),
        "dropped": Look("off", "x", N_("Dropped")),
    },
    "key": {
        "active": Look("ok", "check", N_("Active")),
        "revoked": Look("off", "x", N_("Revoked")),
        "expired": Look("off", "x", N_("Expired")),
    },
    "mode": {
        "test": Look("test", "flask-conical", N_("Test")),
        "live": Look("ok", "check", N_("Live")),
    },
}


def look(state: str, of: str = "order") -> Look:
    """The look of a state. One that nobody drew yet is grey and says its own name, never an error on a money page."""
    state = str(getattr(state, "value", state))
    found = LOOKS.get(of, {}).get(state)
    return found or Look("off", "info", state.replace("_", " ").capitalize())
