"""How an order's state looks to its store, the staff and the payer: of every page of orders."""
from flask_babel import gettext

from portal.web.looks import N_, Look

ORDER = {
    "new": Look("wait", "clock", N_("New")),
    "review": Look("act", "shield-alert", N_("In review")),
    "retrying": Look("wait", "refresh-cw", N_("Looking for a requisite")),
    "assigned": Look("wait", "clock", N_("Waiting for payment")),
    "paid": Look("wait", "clock", N_("Checking the payment")),
    "unconfirmed": Look("bad", "circle-alert", N_("Nobody confirmed in time")),  # a step that changes no status
    "suspected": Look("bad", "shield-alert", N_("Risk: staff are called")),  # likewise, for staff alone
    "confirmed": Look("ok", "check", N_("Confirmed")),
    "completed": Look("ok", "check-check", N_("Completed")),
    "disputed": Look("bad", "scale", N_("Dispute")),
    "amount_refused": Look("bad", "scale", N_("The store does not take this amount")),
    "transfer_added": Look("wait", "scale", N_("More of it came")),
    "corrected": Look("wait", "scale", N_("Corrected")),
    "cancelled": Look("off", "x", N_("Cancelled")),
    "expired": Look("off", "x", N_("Expired")),
    "failed": Look("bad", "scale", N_("Failed")),
}

DECLINED_FOR = {
    "bank": N_("The bank or its app does not work"),
    "account": N_("The account has reached a limit, or has too little on it"),
    "away": N_("I cannot see to it now"),
    "doubt": N_("Something about the order seems wrong"),
    "other": N_("Something else"),
}
"""Why a trader gave an order back."""

CALLED_FOR = {
    "unconfirmed": N_("Nobody confirmed in time"),
    "suspected": N_("Risk: look before it goes on"),
    "other_amount": N_("Another amount came than was ordered"),
    "frozen": N_("The bank froze its requisite"),
    "receipt_seen": N_("Its receipt was seen on another order"),
    "silent": N_("A side did not answer in its dispute"),
    "unsecured": N_("The money came late, and no collateral covers it"),
    "beside": N_("A trader whom its payer had exchanged speaks up: look into its dispute"),
    "paid_twice": N_("Money came to a second trader too"),
}
"""Why staff are called to an order."""


def attention_word(code: str) -> str:
    return str(gettext(CALLED_FOR[code]))


def refusal_reason(code: str) -> str:
    return str(gettext(DECLINED_FOR[code]))


def refusal_reasons() -> list[tuple[str, str]]:
    """To choose from."""
    return [(code, refusal_reason(code)) for code in DECLINED_FOR]
