"""Words of risk: kinds of rules and what they ask, what fired and by which numbers, where people stand on lists."""
from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext, ngettext

from portal.core.money import Money
from portal.risk.kinds import WINDOWS_S
from portal.web.badges import N_
from portal.web.filters import duration, money

KINDS = {
    "velocity_count": N_("Too many orders in a time"), "velocity_amount": N_("Too much money in a time"),
    "amount": N_("A large order"), "first_orders": N_("A large order of a new customer"),
    "expired_share": N_("Too many expired orders"), "receipt_seen": N_("A receipt seen before"),
    "network_mismatch": N_("Paid from another network"),
    "destination_is_requisite": N_("A payout to a trader's own requisite"),
    "destination_shared": N_("One destination of several customers"), "list": N_("On a list"),
}
ABOUT = {
    "velocity_count": N_("Counts orders of one customer, address, network, destination, requisite or store, the present"
                         " one included."),
    "velocity_amount": N_("Adds up amounts of one currency, the present order included."),
    "amount": N_("Looks at the amount of the order alone."),
    "first_orders": N_("A customer is new until enough orders are completed; one without an id always is."),
    "expired_share": N_("Looks back at the last 50 orders of the customer or the address."),
    "receipt_seen": N_("The same file, or nearly the same picture, stands on another order. Judged when the money is"
                       " said to be sent."),
    "network_mismatch": N_("The page on which the payer says that the money is sent was opened from another network"
                           " (/24, IPv6 /64) than the address that the store told. Phones change networks: begin in"
                           " the shadow."),
    "destination_is_requisite": N_("The money would go to a requisite that some trader receives payins on."),
    "destination_shared": N_("Counts other customers among the last 50 payouts to the destination."),
}
BY = {"customer": N_("customer"), "ip": N_("address"), "network": N_("network (/24, IPv6 /64)"),
      "destination": N_("destination of a payout"), "requisite": N_("requisite, when paid"), "store": N_("store")}
VERDICTS = {"allow": N_("only points"), "review": N_("review"), "deny": N_("deny")}
MODES = {"on": N_("On"), "shadow": N_("Shadow"), "off": N_("Off"), "archived": N_("Put away")}
ENTRIES = {"network": N_("Address or network"), "customer": N_("Customer's id"),
           "destination": N_("Number of a payout"), "holder": N_("Person's name")}
MOMENTS = {"intake": N_("before matching"), "claim": N_("as it was said to be paid"),
           "confirm": N_("as it was confirmed")}
LISTS = {"deny": N_("Deny list"), "allow": N_("Allow list"), "class": N_("Class of a customer")}
WORDS = (N_("Risk rule"), N_("Risk entry"))
CHANGES_OF_RISK = {"mode": N_("Mode"), "list": N_("List"), "about": N_("What it is"), "until": N_("Until"),
                   "completed": N_("Judged as with completed orders")}
"""What an approval about risk changes, and its codes."""
CODES_OF_RISK: dict[str, Callable[[str], str]] = {"mode": MODES.__getitem__, "list": LISTS.__getitem__,
                                                  "about": ENTRIES.__getitem__}


def pairs(words: Mapping[str, str], only: tuple[str, ...] | None = None) -> list[tuple[str, str]]:
    """To choose from."""
    return [(code, gettext(word)) for code, word in words.items() if only is None or code in only]


def windows() -> list[tuple[int, str]]:
    return [(seconds, duration(seconds)) for seconds in WINDOWS_S]


def risk_word(code: str, kind: str) -> str:
    """`deny` as a verdict, `ip` as what is counted by."""
    words = {"kind": KINDS, "by": BY, "verdict": VERDICTS, "mode": MODES, "entry": ENTRIES, "moment": MOMENTS,
             "list": LISTS, "about": ABOUT}[kind]
    return str(gettext(words.get(code, code)))


def risk_class(entry: Any) -> str:
    """What a class makes of its customer: "New", "At least 5 completed orders"."""
    if entry.completed == 0:
        return str(gettext("New, whatever was completed"))
    return str(ngettext("At least %(num)s completed order", "At least %(num)s completed orders", entry.completed))


def risk_terms(rule: Any) -> str:
    """What a rule asks, in a sentence: "More than 3 orders of one customer within 1 h"."""
    terms, kind = rule.terms, rule.kind
    sum_of = money(Money(terms["amount_minor"], terms["currency"])) if "amount_minor" in terms else ""
    by = risk_word(terms["by"], "by") if "by" in terms else ""
    within = duration(terms["window_s"]) if "window_s" in terms else ""
    said = {
        "velocity_count": lambda: gettext("More than %(most)s orders of one %(by)s within %(within)s",
                                          most=terms["most"], by=by, within=within),
        "velocity_amount": lambda: gettext("More than %(sum)s of one %(by)s within %(within)s", sum=sum_of, by=by,
                                           within=within),
        "amount": lambda: gettext("More than %(sum)s", sum=sum_of),
        "first_orders": lambda: gettext("More than %(sum)s of a customer with fewer than %(least)s completed orders",
                                        sum=sum_of, least=terms["completed_min"]),
        "expired_share": lambda: gettext("More than %(share)s %% expired of at least %(least)s orders of one %(by)s",
                                         share=terms["share_percent"], least=terms["orders_min"], by=by),
        "destination_shared": lambda: gettext("More than %(most)s other customers were paid there", most=terms["most"]),
    }.get(kind)
    return str(said()) if said is not None else risk_word(kind, "kind")


def risk_numbers(hit: Any) -> str:
    """For which numbers it fired: "4, at most 3"."""
    what = hit.what
    if hit.kind == "list":
        return risk_word(what.get("on", ""), "entry")
    if "sum_minor" in what or "amount_minor" in what:
        found = Money(what.get("sum_minor", what.get("amount_minor", 0)), what["currency"])
        said = str(gettext("%(found)s, at most %(most)s", found=money(found),
                           most=money(Money(what["most_minor"], what["currency"]))))
        return said if "class" not in what else f"{said} · " + gettext("by the class of its customer")
    if "most" in what:
        return str(gettext("%(found)s, at most %(most)s", found=what.get("count", what.get("customers")),
                           most=what["most"]))
    if "expired" in what:
        return str(gettext("%(expired)s of %(orders)s", expired=what["expired"], orders=what["orders"]))
    if "receipts" in what:
        return str(ngettext("%(num)s receipt", "%(num)s receipts", what["receipts"]))
    return ""


FILTERS = {"risk_word": risk_word, "risk_class": risk_class, "risk_terms": risk_terms, "risk_numbers": risk_numbers}
