"""Bank accounts by the country they are kept in: IBAN, Russian accounts, CLABE, and those of a staff's picture."""
import re
from collections.abc import Collection
from functools import lru_cache

from babel.numbers import get_territory_currencies

# Digits 6 to 8 of a Russian account say its currency; 810 has stayed for roubles beside 643.
RUSSIAN = {"RUB": ("810", "643"), "USD": ("840",), "EUR": ("978",), "CNY": ("156",), "KZT": ("398",), "BYN": ("933",),
           "AMD": ("051",), "KGS": ("417",), "TJS": ("972",), "UZS": ("860",), "AZN": ("944",), "UAH": ("980",),
           "GEL": ("981",), "TRY": ("949",), "AED": ("784",), "INR": ("356",)}
EVERYWHERE = ("EUR", "USD")  # accounts and banks in these are kept in every country
PICTURE = re.compile(r"(?:[A-Z0-9*](?:\{[0-9]{1,2}(?:,[0-9]{1,2})?\})?){1,40}", re.ASCII)
IBAN_SHAPE = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]+", re.ASCII)
SPANS_MAX = 2  # repeats from … to: more of them would let a hostile number keep the matcher busy


@lru_cache(maxsize=1024)
def fits(country: str, currency: str) -> bool:
    """Whether banks of this country keep accounts in this currency as their own, or as all do."""
    return currency in EVERYWHERE or currency in get_territory_currencies(country)


def iban(number: str, currency: str, countries: Collection[str]) -> str:
    """An IBAN with its country, length and check digits, of a country that fits the currency. Raises ValueError."""
    from schwifty import IBAN  # brings every country's rules and banks along: 12 MB that few processes need
    from schwifty.exceptions import InvalidLength, SchwiftyException

    try:
        found = IBAN(number, validate_bban=True)
    except InvalidLength:
        raise ValueError("This IBAN is not as long as those of its country.") from None
    except SchwiftyException:
        raise ValueError("This IBAN has a typing mistake: its check digits or its shape do not fit.") from None
    if countries and found.country_code not in countries:
        raise ValueError("IBANs of this country are not on offer here.")
    if not fits(found.country_code, currency):
        raise ValueError("An account of this country is not kept in this currency.")
    return str(found.compact)


def country_of(number: str) -> str | None:
    """Where the account of a checked IBAN is kept; None for any other number."""
    return number[:2] if IBAN_SHAPE.fullmatch(number) else None


def account(number: str, currency: str, countries: Collection[str]) -> str:
    """As the currency's country writes accounts: an IBAN, 20 digits in Russia, a CLABE in Mexico. Raises ValueError."""
    if IBAN_SHAPE.fullmatch(number):
        return iban(number, currency, countries)
    if currency == "MXN":
        return clabe(number)
    if currency in RUSSIAN and (currency == "RUB" or number.isdecimal()):
        return _russian(number, currency)
    raise ValueError("Write the account as an IBAN, or ask staff for a method with this country's accounts.")


def _russian(number: str, currency: str) -> str:
    if not re.fullmatch(r"[0-9]{20}", number) or number == "0" * 20:
        raise ValueError("An account number has 20 digits.")
    if number[5:8] not in RUSSIAN[currency]:
        raise ValueError("This account is kept in another currency: see its digits 6 to 8.")
    return number


def clabe(number: str) -> str:
    """A Mexican account of 18 digits, the last of which checks the others. Raises ValueError."""
    if not re.fullmatch(r"[0-9]{18}", number) or number == "0" * 18:
        raise ValueError("A CLABE has 18 digits.")
    total = sum(int(digit) * weight % 10 for digit, weight in zip(number, (3, 7, 1) * 6, strict=True))
    if total % 10:
        raise ValueError("This CLABE has a typing mistake: its check digit does not fit.")
    return number


def like(picture: str, number: str) -> str:
    """A number as the picture shows it. Raises ValueError."""
    if not re.fullmatch(_pattern(picture), number, re.ASCII):
        raise ValueError("This number does not look like the example.")
    return number


def is_picture(text: str) -> bool:
    """`9` a digit, `A` a letter, `*` either, other letters and digits themselves; `{4}` or `{9,18}` repeats."""
    return bool(PICTURE.fullmatch(text)) and text.count(",") <= SPANS_MAX and _compiles(text)


def _compiles(text: str) -> bool:
    try:
        re.compile(_pattern(text))
    except re.error:  # from more to less
        return False
    return True


@lru_cache(maxsize=256)
def _pattern(picture: str) -> str:
    outside = re.split(r"(\{[0-9,]+\})", picture)
    return "".join(part if part.startswith("{") else
                   "".join({"9": "[0-9]", "A": "[A-Z]", "*": "[A-Z0-9]"}.get(sign, sign) for sign in part)
                   for part in outside)
