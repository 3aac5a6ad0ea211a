"""Amounts as people type them: `3990`, `3 990,00`, `3,990.00 ₽`. For pages;
programs write plain decimals (`Money.parse`).

Never rounded and never guessed: what can be read in two ways, or has too many digits, is refused with a sentence.
"""
import re
from collections.abc import Callable, Iterator
from decimal import Decimal

from portal.core import signs
from portal.core.errors import FieldError, Invalid
from portal.core.money import AMOUNT_MAX, EXPONENTS, BadAmount, Money

MARKS = ".,"
TYPED_MAX = 60  # characters
_BLANKS = re.compile(r"[\s\u2009\u200a\u202f\u2060]+")


def _point() -> str:
    return "."


_mark: Callable[[], str] = _point


def use_mark(mark: Callable[[], str]) -> None:
    """Pages say which sign stands before the fraction for who is reading: a point or a comma."""
    global _mark
    _mark = mark


def amount(field: str, text: str, currency: str) -> Money:
    """What a person typed into `field`. Raises Invalid at that field."""
    try:
        return read(text, currency)
    except BadAmount as error:
        raise Invalid(fields=[wrong(field, error)]) from None


def wrong(field: str, error: BadAmount) -> FieldError:
    """The one place where a bad amount becomes an error of a form's field."""
    return FieldError(f"/{field}", "invalid_amount", error.sentence, error.params)


def read(text: str, currency: str) -> Money:
    """`text` as an amount of `currency`, at most AMOUNT_MAX. Raises BadAmount."""
    if currency not in EXPONENTS:
        raise BadAmount("The desk does not know this currency.")
    digits = EXPONENTS[currency]
    whole, part = _reading(_bare(text, currency), digits)
    if len(part) > digits:
        raise BadAmount("Amounts in %(currency)s have at most %(digits)s digits after the point.", currency=currency,
                        digits=digits)
    minor = int(whole + part.ljust(digits, "0"))
    if minor > AMOUNT_MAX:
        raise BadAmount("The amount is too large.")
    return Money(minor, currency)


def number(text: str) -> str:
    """`92,5` or `1 500.25` as plain decimal text, whatever its digits. Raises BadAmount."""
    bare = _BLANKS.sub(" ", text).strip()
    whole, part = _reading(bare, len(bare))
    return f"{whole}.{part}" if part else whole


def percent(field: str, text: str) -> int:
    """`2.5` or `2,5 %` → 250 hundredths of a percent, at most 100 percent. Raises Invalid at that field."""
    found = re.fullmatch(r"([0-9]{1,3})(?:[.,]([0-9]{1,2}))?", _BLANKS.sub("", text).removesuffix("%"), re.ASCII)
    value = Decimal(f"{found[1]}.{found[2] or 0}") if found else Decimal(101)
    if value > 100:
        raise Invalid(fields=[FieldError(f"/{field}", "invalid_percent", "Write percent as in 2.5, at most 100.")])
    return int(value * 100)


def _bare(text: str, currency: str) -> str:
    """Without the currency's sign or code at either end; blanks inside as single spaces."""
    bare = _BLANKS.sub(" ", text).strip()
    if len(bare) > TYPED_MAX:
        raise BadAmount("The amount is too large.")
    return signs.bare(bare, currency)


def _reading(bare: str, digits: int) -> tuple[str, str]:
    """The digits before and after the mark, if there is one way to read them. Raises BadAmount."""
    readings = dict(_readings(bare))
    if not digits:  # nobody writes a fraction of it: a mark before three digits groups thousands
        readings = {grouped: found for grouped, found in readings.items() if not found[1] or len(readings) == 1}
    if not readings:
        raise BadAmount("Write the amount in digits, as in %(example)s.", example=_example(digits))
    if len(readings) == 1:
        return readings.popitem()[1]
    grouped, plain = readings[True], readings[False]
    if _mark() in bare and len(plain[1]) <= digits:  # as this very page writes a fraction
        return plain
    raise BadAmount("This can be %(one)s or %(other)s. Write thousands without a sign or with a blank.",
                    one=grouped[0], other=f"{plain[0]}{_mark()}{plain[1]}")


def _readings(bare: str) -> Iterator[tuple[bool, tuple[str, str]]]:
    """Whether a point or comma is taken for a sign between thousands, and what is then before and after the mark."""
    plain = re.fullmatch(r"([0-9]{1,20}|[0-9]{1,3}(?: [0-9]{3})+)(?:[.,]([0-9]+))?", bare, re.ASCII)
    if plain:
        yield False, (plain[1].replace(" ", ""), plain[2] or "")
    for sign, mark in ((MARKS[0], MARKS[1]), (MARKS[1], MARKS[0]), *((quote, ".") for quote in "'’ʼ")):
        group, end = f"(?:{re.escape(sign)}[0-9]{{3}})+", f"(?:{re.escape(mark)}([0-9]+))?"
        found = re.fullmatch(f"([1-9][0-9]{{0,2}}{group}){end}", bare, re.ASCII)
        if found:
            yield True, (found[1].replace(sign, ""), found[2] or "")


def _example(digits: int) -> str:
    return f"1500{_mark()}50" if digits else "1500"
