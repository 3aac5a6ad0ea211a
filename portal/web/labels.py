"""Words that pages make from codes of the records: `no_collateral` → "No collateral". Listed here to be translated."""

from flask_babel import gettext

from portal.core.codes import named
from portal.web.badges import N_

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
    N_("Name not opened"), N_("Secret not opened"),
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
    "shows": N_("What the files are"), "password": N_("Password"), "text": N_("Note"),
    "payin": N_("Directions"), "q": N_("Search"),
    "valid_from": N_("Counts from"),
}
"""Fields of forms as their labels say it, where a name alone is not the label."""


def field_name(name: str) -> str:
    """A field as its label says it, to be translated: `day_max` → Sum a day."""
    return FIELDS.get(name) or named(name)
