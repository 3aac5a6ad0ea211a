"""Words of disputes: reasons, sides, evidence, outcomes."""
from flask_babel import gettext

from portal.web.badges import N_

REASONS = {
    "not_confirmed": N_("I paid, and it is not confirmed"),
    "unconfirmed": N_("Nobody confirmed the payment in time"),
    "paid_late": N_("I paid, though the order has ended"),
    "not_received": N_("The money did not come"),
    "wrong_amount": N_("The amount is not right"),
    "stranger_paid": N_("Somebody else paid, not the customer"),
    "taken_back": N_("The bank took the money back"),
    "not_arrived": N_("The recipient did not get the money"),
    "less_arrived": N_("The recipient got less"),
    "wrong_recipient": N_("It went to somebody else"),
    "sent_after_all": N_("It was sent, though the order was cancelled"),
    "other": N_("Something else"), "other_payout": N_("Something else"),
}
SIDES = {"customer": N_("Customer"), "store": N_("Store"), "trader": N_("Trader"), "staff": N_("Support"),
         "system": N_("The desk")}
EVIDENCE = {
    "receipt": N_("The receipt of the transfer, from the bank's app"),
    "statement": N_("The account's statement for that day, with every line"),
    "recipient": N_("What the recipient's bank says"),
    "conversation": N_("The conversation with the customer"),
}
OUTCOMES = {
    "complete": N_("Completed as ordered"), "adjust": N_("Settled on another amount"),
    "cancel": N_("Cancelled: nothing is settled"), "stands": N_("Stays as it was"),
    "correct": N_("Corrected to another amount"),
}



def dispute_reason(code: str) -> str:
    return str(gettext(REASONS[code]))


def dispute_side(code: str) -> str:
    return str(gettext(SIDES[code]))


def evidence(code: str) -> str:
    return str(gettext(EVIDENCE[code]))


def dispute_outcome(code: str) -> str:
    return str(gettext(OUTCOMES[code]))


FILTERS = {"dispute_reason": dispute_reason, "dispute_side": dispute_side, "evidence": evidence,
           "dispute_outcome": dispute_outcome}
