"""Words that pages make from codes of the records: `no_collateral` → "No collateral". Listed here to be translated."""
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
from portal.web.reference_choices import bank, method
from portal.web.right_labels import noun, verb
from portal.web.risk_labels import CHANGES_OF_RISK, CODES_OF_RISK
from portal.web.security_labels import CHANGES_OF_SECURITY
from portal.web.treasury_labels import adjustment_code

WORDS = (
    # Steps of the funnel, in its order; an outcome is `assigned` or why nobody was left.
    N_("All"), N_("Currency"), N_("Method"), N_("Bank"), N_("Approved"), N_("On shift"), N_("Amount"), N_("Windows"),
    N_("Slots"), N_("Collateral"), N_("Same amount"), N_("Locked"), N_("Tier"), N_("Assigned"),
    N_("Declined"), N_("Expired"), N_("Cancelled"), N_("Settled"),
    N_("No requisite"), N_("Limits reached"), N_("No collateral"), N_("Refused"), N_("Matching error"),
    # What an approval changes.
    N_("Name"), N_("Status"), N_("Number"), N_("Payin"), N_("Payout"), N_("Min"), N_("Max"), N_("Day max"),
    N_("Month max"), N_("Day count max"), N_("Open orders max"), N_("Cooldown s"), N_("Weight"), N_("Yes"), N_("No"),
    # Why a webhook got no answer.
    N_("Timeout"), N_("Connect failed"), N_("Name not found"), N_("Tls failed"), N_("Broken answer"), N_("Invalid url"),
    N_("Address not public"), N_("Https required"), N_("Port not allowed"), N_("Invalid host"), N_("No answer"),
    # Why a feed made no rate, why a source did not count.
    N_("Too few sources"), N_("Jumped"), N_("Outlier"), N_("No number"),
    # Which way an adjustment goes.
    N_("Credit"), N_("Debit"),
    # Accounts of the books: whose, and what for.
    N_("Store available"), N_("Store held"), N_("Store reserve"), N_("Trader available"), N_("Trader held"),
    N_("Platform fees"),
    N_("Platform suspense"), N_("World external"),
    N_("Its time was over"),
    N_("h"),  # hours: inside an f-string no tool finds it
    # How what was received compares with what was asked for.
    N_("Exact"), N_("Under"), N_("Over"),
    # What the audit tells of, and who acted where it was no person.
    N_("User"), N_("Merchant"), N_("Store"), N_("Trader"), N_("Requisite"), N_("Holder"), N_("Key"), N_("Rate"),
    N_("Job"), N_("Desk"), N_("Withdrawal"), N_("Withdrawal address"),
    N_("Order"), N_("Export"), N_("Deposit"), N_("Webhook endpoint"), N_("Webhook delivery"),
    N_("Payout import"), N_("Payout recipient"), N_("Finding"), N_("Entry"), N_("World"), N_("Platform"),
    N_("system"), N_("customer"), N_("trader"), N_("merchant"), N_("support"), N_("admin"),
)


ENTRIES = {
    "payin_hold": N_("Collateral held"), "payin_release": N_("Collateral freed"), "payin_settle": N_("Order settled"),
    "payout_hold": N_("Payout: money held"), "payout_release": N_("Payout: money freed"),
    "payout_settle": N_("Payout settled"), "payin_topup": N_("More collateral held"),
    "settle_correction": N_("Order corrected"), "claim_payment": N_("Claim paid back"),
    "withdrawal_hold": N_("Withdrawal: money held"), "withdrawal_release": N_("Withdrawal given back"),
    "withdrawal_settle": N_("Withdrawal sent"),
    "deposit": N_("Deposit"), "opening_balance": N_("Opening balance"), "adjustment": N_("Adjustment"),
    "reversal": N_("Reversal"), "transfer": N_("Transfer between stores"),
    "kept_back": N_("Kept back"), "reserve_release": N_("Kept-back money freed"),
}


ADMISSIONS = {
    "password": N_("A password for your account was given out: %(who)s. If you did not ask for it, tell another"
                   " administrator at once."),
    "enabled": N_("Your account was disabled and is open again, asked for by %(who)s."),
    "rights": N_("You may do more than before, asked for by %(who)s."),
    "factor": N_("Your second factor was taken away, asked for by %(who)s. If you did not ask for it, tell another"
                 " administrator at once."),
    "email": N_("You sign in with another e-mail address now, asked for by %(who)s."),
}
"""How the owner of an account is told that somebody opened a way into it."""


def admission(how: str, who: str) -> str:
    return str(gettext(ADMISSIONS[how]) % {"who": who})


def entry(kind: str) -> str:
    """What an entry of the journal did, in the reader's language."""
    return str(gettext(ENTRIES.get(kind, named(kind))))


FIELDS = {
    "min_amount": N_("Smallest order"), "max_amount": N_("Largest order"), "day_max": N_("Sum a day"),
    "month_max": N_("Sum a month"), "day_count_max": N_("Orders a day"), "open_orders_max": N_("Open orders at once"),
    "cooldown_s": N_("Rest between orders"), "holder": N_("Person named on it"), "received": N_("Amount received"),
    "fee_percent": N_("Fee"), "fee_fixed": N_("Fixed part"), "reward_percent": N_("Reward"),
    "reward_fixed": N_("Fixed part"), "from_amount": N_("Smallest order"), "to_amount": N_("Largest order"),
    "amount": N_("Amount"), "amount_from": N_("Amount from"), "amount_to": N_("Amount to"), "reason": N_("Reason"),
    "day_from": N_("From day"), "day_to": N_("To day"), "email": N_("E-mail"), "time_zone": N_("Time zone"),
    "locale": N_("Language"), "template": N_("Rights"), "slug": N_("Short name"), "url": N_("Address"),
    "brand_color": N_("Colour of the payment page"), "match_for_s": N_("Look for a requisite"),
    "pay_for_s": N_("Time to pay"), "grace_s": N_("Grace"), "confirm_for_s": N_("Time to confirm"),
    "return_hosts": N_("Hosts customers may return to"), "events": N_("Events"), "live": N_("Mode"),
    "store_id": N_("Store"), "expires_at": N_("Expires"), "current": N_("Present password"),
    "accept_for_min": N_("Time to take it on"), "pay_for_min": N_("Time to send the money"),
    "confirm": N_("Who agrees that the money arrived"), "window_min": N_("Time to object"),
    "tries_max": N_("Traders asked in turn"), "alone_max": N_("One person alone may send up to"),
    "recipient_id": N_("Saved recipient"), "save_as": N_("Save this recipient as"),
    "password": N_("Password"), "text": N_("Note"), "payin": N_("Directions"), "q": N_("Search"),
    "valid_from": N_("Counts from"),
}
"""Fields of forms as their labels say it, where a name alone is not the label."""


def field_name(name: str) -> str:
    """A field as its label says it, to be translated: `day_max` → Sum a day."""
    return FIELDS.get(name) or named(name)


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
         N_("The same reference was told of before."), N_("The same address stands in somebody else's book too."),
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


def _right(code: str) -> str:
    """`withdrawal:decide` → "Withdrawals: decide"."""
    return f"{gettext(noun(code.partition(':')[0]))}: {gettext(verb(code))}"


CODES: dict[str, Callable[[str], str]] = {"direction": named, "method": method, "outcome": _outcome,
                                           "status": _status, "sheet": SHEETS.__getitem__, "decision_of": title_of,
                                           "network": networks.title,
                                           "payout_confirm": CONFIRMS.__getitem__, "under_policy": UNDER.__getitem__,
                                           "code": adjustment_code, "entry": entry, **CODES_OF_JOINING, **CODES_OF_RISK}
"""Values that are codes, and how they are called."""
CODES_OF_LISTS: dict[str, Callable[[str], str]] = {"methods": method, "given": _right, "taken": _right}
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
