"""Signs of currencies: one table, by which amounts are shown and what people typed or pasted is read."""
from functools import lru_cache

# What is shown first, a sign that no other currency here has; then what people write besides.
SIGNS: dict[str, tuple[str, ...]] = {
    "RUB": ("₽", "руб.", "руб", "р.", "р"), "UAH": ("₴", "грн.", "грн"), "KZT": ("₸", "тг.", "тг", "тенге"),
    "AZN": ("₼",), "USD": ("$", "US$"), "EUR": ("€",), "JPY": ("¥", "JP¥"), "GBP": ("£",), "INR": ("₹",),
    "KRW": ("₩",), "NGN": ("₦",), "VND": ("₫",), "PHP": ("₱",), "TRY": ("₺", "TL"), "GEL": ("₾",), "ILS": ("₪",),
    "BRL": ("R$",)}


def shown(currency: str) -> str:
    """`₽` for RUB; a currency without a sign of its own is its code."""
    return SIGNS.get(currency, (currency,))[0]


@lru_cache(256)
def written(currency: str) -> tuple[str, ...]:
    """As people write it beside a number, folded, the longest first: its code, its signs, and those of CLDR in the
    languages of the desk, which a sign shared with others (CN¥, CA$) is told by."""
    from babel.numbers import get_currency_symbol

    signs = {currency, *SIGNS.get(currency, ()), *(get_currency_symbol(currency, locale) for locale in ("en", "ru"))}
    return tuple(sorted({sign.casefold() for sign in signs}, key=len, reverse=True))


def bare(text: str, currency: str) -> str:
    """An amount without the sign or code at one of its ends."""
    folded = text.casefold()
    for sign in written(currency):
        for end in (folded.removeprefix(sign), folded.removesuffix(sign)):
            if len(end) < len(folded):
                return end.strip()
    return text


def without(text: str) -> str:
    """Of whatever currency the sign at one of its ends is: for what somebody pasted without saying which."""
    for sign in _ALL:
        for end in (text.casefold().removeprefix(sign), text.casefold().removesuffix(sign)):
            if len(end) < len(text):
                return end.strip()
    return text


_ALL = sorted({sign.casefold() for signs in SIGNS.values() for sign in signs}, key=len, reverse=True)
