"""What an approval changes and what stands about it, in words: a code or a field's name is never shown."""
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext

from portal.approvals.kinds import title_of
from portal.core.codes import named
from portal.core.money import EXPONENTS, Money
from portal.treasury import networks
from portal.web.application_labels import CHANGES_OF_JOINING, CODES_OF_JOINING
from portal.web.badges import LOOKS, N_
from portal.web.exposure_labels import CHANGES_OF_EXPOSURE
from portal.web.filters import bps, moment, money
from portal.web.labels import entry, field_name
from portal.web.reference_choices import bank, method
from portal.web.right_labels import noun, verb
from portal.web.risk_labels import CHANGES_OF_RISK, CODES_OF_RISK
from portal.web.security_labels import CHANGES_OF_SECURITY
from portal.web.treasury_labels import adjustment_code

CHANGES = {
    "min_minor": N_("Smallest order"), "max_minor": N_("Largest order"), "day_max_minor": N_("Sum a day"),
    "month_max_minor": N_("Sum a month"), "day_count_max": N_("Orders a day"),
    "open_orders_max": N_("Open orders at once"), "cooldown_s": N_("Rest between orders, seconds"),
    "weight": N_("Share among equals"), "from_minor": N_("From amount"), "to_minor": N_("To amount"),
    "fee_bps": N_("Fee"), "fee_fixed": N_("Fixed part"), "reward_bps": N_("Reward"), "reward_fixed": N_("Fixed part"),
    "active": N_("May sign in"), "given": N_("Rights given"), "taken": N_("Rights taken"), "payin": N_("Takes payins"),
    "payout": N_("Makes payouts"), "methods": N_("Methods"), "email": N_("E-mail"),
    "reward_may_exceed_fee": N_("Rewards may exceed the fee"), "collateral": N_("Collateral given back"),
    "settlement_currency": N_("Settlement currency"), "valid_from": N_("Counts from"),
    "reserve_bps": N_("Rolling reserve"), "reserve_days": N_("Kept for, days"),
    "delay_days": N_("The rest is available after, days"),
    "code": N_("Why"), "entry": N_("Entry to be reversed"), "direction": N_("Direction"),
    "network": N_("How the money goes"), "label": N_("Label"), "address": N_("Address"),
    "reference": N_("Reference of the transfer"), "currency": N_("Currency"),
    "payout_accept_for_s": N_("Time to take it on, seconds"), "payout_pay_for_s": N_("Time to send the money, seconds"),
    "payout_confirm": N_("Who agrees that the money arrived"), "payout_window_s": N_("Time to object, seconds"),
    "payout_tries_max": N_("Traders asked in turn"), "payout_alone_max_minor": N_("One person alone may send up to"),
    "decision_of": N_("Kind"), "alone_max_minor": N_("One alone up to"), "two_from_minor": N_("Two others from"),
    "received": N_("Amount received"), "ordered": N_("Amount ordered"), "outcome": N_("Decision"),
    "requisite": N_("Requisite"), "asset": N_("Code of the asset"), "digits": N_("Digits after the point"),
    "day": N_("Day it corrects"), "under_policy": N_("Less arrived than was ordered"),
    "sheet": N_("What is in the file"), "rows": N_("Rows"),
} | CHANGES_OF_EXPOSURE | CHANGES_OF_JOINING | CHANGES_OF_RISK | CHANGES_OF_SECURITY
CONFIRMS = {"store": N_("The store says so"), "window": N_("Nobody of the store objects in time"),
            "at_once": N_("The trader's receipt is enough")}
"""Who agrees that the recipient of a payout has the money."""
"""What an approval changes, in words."""
NETWORKS = (N_("Bank transfer"), N_("Another way"), N_("TRON (TRC-20)"), N_("Ethereum (ERC-20)"), N_("Bitcoin"))
"""Titles of `treasury.networks`."""
ABOUT = (N_("Person named on it"), N_("Available now"), N_("Available afterwards"),
         N_("Yesterday's orders that it covers"), N_("They came to"), N_("With this they would come to"),
         N_("Nobody decided in time"),
         N_("Owed to the desk, paid first"), N_("Now in the hands of"), N_("Warning"), N_("Its owner is suspended."),
         N_("The same reference was told of before."), N_("The same proof was shown for another deposit."),
         N_("The name of the person on it does not open."),
         N_("The same address stands in somebody else's book too."),
         N_("Its bank had frozen this number when it was archived: money may be kept there."),
         N_("Its address is not in the book any more."), N_("Two others have to agree to this."),
         N_("Two others from"), N_("Asked for by the same person in 24 hours"),
         N_("Moved on the same account in 24 hours"), N_("Agreed to by you in 24 hours"))
"""Labels of `treasury.decision_facts`, which knows no languages."""


OUTCOMES = {"complete": N_("Settle what arrived"), "cancel": N_("Cancel: the money goes back to the payer"),
            "stands": N_("Leave it as it was settled"), "correct": N_("Correct it to another amount")}

UNDER = {"accept": N_("Settle what arrived"), "ask": N_("Ask the store"), "return": N_("Support has it given back")}
"""What becomes of a payin that less arrived for, as its store chose."""


def _outcome(code: str) -> str:
    return OUTCOMES.get(code, code)


SHEETS = {"merchants": N_("Merchants"), "stores": N_("Stores"), "traders": N_("Traders"),
          "requisites": N_("Requisites"), "balances": N_("Opening balances")}
"""Files that a desk begins with."""


def _status(code: str) -> str:
    """Of a party, or of an order."""
    return (LOOKS["party"].get(code) or LOOKS["order"][code]).label


def right(code: str) -> str:
    """`withdrawal:decide` → "Withdrawals: decide"."""
    return f"{gettext(noun(code.partition(':')[0]))}: {gettext(verb(code))}"


CODES: dict[str, Callable[[str], str]] = {"direction": named, "method": method, "outcome": _outcome,
                                           "status": _status, "sheet": SHEETS.__getitem__, "decision_of": title_of,
                                           "network": networks.title,
                                           "payout_confirm": CONFIRMS.__getitem__, "under_policy": UNDER.__getitem__,
                                           "code": adjustment_code, "entry": entry, **CODES_OF_JOINING, **CODES_OF_RISK}
"""Values that are codes, and how they are called."""
CODES_OF_LISTS: dict[str, Callable[[str], str]] = {"methods": method, "given": right, "taken": right}
"""Values that are lists of codes, and how each is called."""
OF_THE_ORDER = ("amount", "received", "ordered")
"""Amounts of `currency`; the others are of the settlement currency."""


def change_name(name: str) -> str:
    """What an approval changes, to be translated: `cooldown_s` → Rest between orders, seconds."""
    return CHANGES.get(name) or field_name(name)


def changed(value: Any, name: str, record: Mapping[str, Any]) -> str:
    """A value of an approval as people read it: an amount with its currency, a bank by its name."""
    if value is None:
        return str(gettext("No limit")) if name == "payout_alone_max_minor" else "—"
    if isinstance(value, bool):
        return str(gettext("Yes") if value else gettext("No"))
    if isinstance(value, list):
        return ", ".join(CODES_OF_LISTS.get(name, str)(one) for one in value) or "—"
    if name.endswith("_bps"):
        return bps(int(value))
    if name.endswith("_minor") and record.get("currency") in EXPONENTS:
        return money(Money(int(value), record["currency"]))
    currency = record.get("currency" if name in OF_THE_ORDER else "settlement_currency")
    if name in (*OF_THE_ORDER, "fee_fixed", "reward_fixed") and currency is not None and currency in EXPONENTS:
        return money(Money.parse(value, currency))
    if name == "until":
        return moment(datetime.fromisoformat(value))
    if name in CODES:
        return str(gettext(CODES[name](value)))
    return bank(value) if name == "bank" else str(value)
