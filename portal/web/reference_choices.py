"""How currencies, payment methods and banks are called in the reader's language, and lists of them to choose from."""
from flask_babel import get_locale, gettext

from portal import reference
from portal.reference.accounts import fits
from portal.reference.pauses import PauseFacts
from portal.web.badges import N_

NUMBERS = {
    "card": N_("Bank card, by check digit and network"), "phone": N_("Phone, by its country's plan"),
    "iban": N_("IBAN, by country and check digits"), "account": N_("Account as the currency's country writes it"),
    "pattern": N_("Anything that looks like the picture"), "clabe": N_("CLABE (Mexico)"),
    "upi": N_("UPI address (India)"), "pix": N_("PIX key (Brazil)"),
}
NUMBERS |= {"luhn16": NUMBERS["card"], "account20": NUMBERS["account"]}
Pairs = list[tuple[str, str]]


def bank(code: str | None) -> str:
    """A bank as people call it: `alfa` → Alfa-Bank."""
    found = reference.snapshot().banks.get(code) if code else None
    return _called(found.name, found.name_ru) if found is not None else code or "—"


def method(code: str) -> str:
    """A payment method as people call it: `card` → Bank card."""
    found = reference.snapshot().methods.get(code)
    return _called(found.name, found.name_ru) if found is not None else code


def number_label(code: str) -> str:
    """What the number of a payment method is called: `card` → Card number."""
    found = reference.snapshot().methods.get(code)
    return _called(found.number_label, found.number_label_ru) if found is not None else code


def numbers_of(validator: str) -> str:
    """What the numbers of a payment method are, as staff choose it."""
    return str(gettext(NUMBERS.get(validator, validator)))


def methods(currency: str | None = None) -> Pairs:
    """Those on offer, in the staff's order; for a currency, those that are for it."""
    return [(one.code, method(one.code)) for one in reference.snapshot().methods.values()
            if one.active and (currency is None or not one.currencies or currency in one.currencies)]


def banks(currency: str | None = None) -> Pairs:
    """Those on offer, by country, in the staff's order; for a currency, those that keep accounts in it."""
    return [(one.code, f"{bank(one.code)} · {one.country}") for one in reference.snapshot().banks.values()
            if one.active and (currency is None or fits(one.country, currency))]


def fiat() -> Pairs:
    """Currencies that people pay in, of those that are on."""
    return [(code, code) for code, one in reference.snapshot().currencies.items() if one.active and one.kind == "fiat"]


def _called(name: str, name_ru: str) -> str:
    """What staff wrote for the reader's language; English where they left the Russian out."""
    russian = getattr(get_locale(), "language", "en") == "ru"
    return name_ru if name_ru and russian else str(gettext(name))


def paused_part(pause: PauseFacts) -> str:
    """What stands still: a bank, a method, a direction, a store."""
    match pause.scope:
        case "bank":
            return bank(pause.target)
        case "method":
            return method(pause.target)
        case "direction":
            return str(gettext("Payins") if pause.target == "payin" else gettext("Payouts"))
    return pause.name


FILTERS = {"paused_part": paused_part, "bank": bank,
           "method": method, "number_label": number_label, "numbers_of": numbers_of}
