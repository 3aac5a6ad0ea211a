"""What a requisite's number must look like, by its method, its country and its currency: one spelling for each."""
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from portal.core.errors import FieldError, Invalid
from portal.reference import accounts, cards, fast_rails

_SEPARATORS = re.compile(r"[ \xa0\-()./]")


def plain(number: str) -> str:
    """Without what only makes it easier to read."""
    return _SEPARATORS.sub("", number).upper()


# Each gets what was typed, the method's rules and the currency.
VALIDATORS: dict[str, Callable[[str, Mapping[str, Any], str], str]] = {
    "card": lambda number, rules, currency: cards.card(plain(number), rules.get("networks", ())),
    "phone": lambda number, rules, currency: fast_rails.phone(number, currency, rules.get("countries", ())),
    "iban": lambda number, rules, currency: accounts.iban(plain(number), currency, rules.get("countries", ())),
    "account": lambda number, rules, currency: accounts.account(plain(number), currency, rules.get("countries", ())),
    "pattern": lambda number, rules, currency: accounts.like(rules["pattern"], plain(number)),
    "clabe": lambda number, rules, currency: accounts.clabe(plain(number)),
    "upi": lambda number, rules, currency: fast_rails.upi(number),
    "pix": lambda number, rules, currency: fast_rails.pix(number),
}
CHOICES = tuple(VALIDATORS)
# As the first desks called them: their rows, and an older process beside a newer one, still do.
VALIDATORS |= {"luhn16": VALIDATORS["card"], "account20": VALIDATORS["account"]}
CARDS = ("card", "luhn16")


def check(validator: str, number: str, *, currency: str, rules: Mapping[str, Any] | None = None) -> str:
    """The number in its one canonical spelling. Raises Invalid on the field `number`."""
    try:
        return VALIDATORS[validator](number, rules or {}, currency)
    except ValueError as error:
        raise Invalid(fields=[FieldError("/number", "bad_number", str(error))]) from None


def spellings(number: str, currencies: Iterable[str]) -> frozenset[str]:
    """How a whole number may be kept, for who looks for it: plain digits, or a phone of these currencies' countries.

    Not judged: a number that is none is nobody's.
    """
    found = {plain(number)}
    for currency in currencies:
        try:
            found.add(fast_rails.phone(number, currency, ()))
        except ValueError:
            continue
    return frozenset(found)
