"""What a person means by what he pasted into a search: an id in any wrapping, a mask, an amount, a whole number.

People copy what stands before them: a payment link, a page's address, `…QRVD0V` out of a list, `•••• 4821`,
`3 990,00 ₽`. Nothing here asks the database.
"""
import re
import unicodedata
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from portal import reference
from portal.core import addresses, ids, signs
from portal.core.errors import NotFound
from portal.core.money import EXPONENTS, MINOR_MAX
from portal.orders.facts import PREFIXES
from portal.reference import validators

TEXT_MAX = 400  # characters; longer than any address of ours
SHORT = 6  # letters of the end of an id, as lists show it
_ID = re.compile(r"(?<![A-Za-z0-9])([a-z]{3,4})_([0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{26})(?![A-Za-z0-9])", re.ASCII)
_LINK = re.compile(r"/pay/([0-9A-HJKMNP-TV-Z]{26})", re.ASCII)
_BARE = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}", re.ASCII)
_SHORT = re.compile(r"(?:\u2026|\.\.\.)?([0-9A-HJKMNP-TV-Z]{6})", re.ASCII)
_MASK = re.compile(r"(?:[0-9]{4,6}[ ]?)?[*\u2022\u00b7xX.\u2026]{2,}[ *\u2022\u00b7xX]*([0-9]{4})", re.ASCII)
_AMOUNT = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,8})?", re.ASCII)
_NUMBER = re.compile(r"\+?[0-9][0-9 ()\-]{8,30}", re.ASCII)


class Ref(NamedTuple):
    """A whole id, and of what by its prefix."""

    prefix: str
    id: UUID


def clean(text: str) -> str:
    return text.replace("\0", "").strip()[:TEXT_MAX]


def whole_id(text: str) -> Ref | None:
    """The id that stands in it: alone, in a page's address, as a payment link, or bare."""
    if link := _LINK.search(text):
        return _parsed("pin", link[1])
    if found := _ID.search(text):
        return _parsed(found[1], found[2].upper())
    return _parsed("pin", text.upper()) if _BARE.fullmatch(text.upper()) else None


def order_id(text: str) -> UUID | None:
    """A whole id, where it is an order's."""
    found = whole_id(text)
    return found.id if found is not None and found.prefix in PREFIXES.values() else None


def tails(text: str) -> Sequence[str]:
    """How the id may end in the database that ends so in a list: six letters are thirty bits, of thirty-two."""
    found = _SHORT.fullmatch(text.strip().upper())
    if not found:
        return ()
    low = ids.parse("", f"_{'0' * (ids.LENGTH - SHORT)}{found[1]}").int
    return [f"{high << 5 * SHORT | low:08x}" for high in range(4)]


def last_four(text: str) -> str | None:
    """`4821`, `•••• 4821`, `220000******4821`"""
    if re.fullmatch(r"[0-9]{4}", text, re.ASCII):
        return text
    found = _MASK.fullmatch(text.replace("\N{NO-BREAK SPACE}", " "))
    return found[1] if found else None


def numbers(text: str) -> frozenset[str]:
    """A whole card, phone or account in each spelling that some method keeps it in."""
    if not _NUMBER.fullmatch(text.replace("\N{NO-BREAK SPACE}", " ")):
        return frozenset()
    return _spelt(text, tuple(code for code, one in reference.snapshot().currencies.items() if one.active))


@lru_cache(64)
def _spelt(text: str, currencies: tuple[str, ...]) -> frozenset[str]:
    return validators.spellings(text, currencies)


def address(text: str) -> str | None:
    """Out of a log, too: with a port, brackets or a zone."""
    return addresses.written(text)


def amounts(text: str) -> Iterator[tuple[list[str], int]]:
    """The text as minor units, for each scale of our currencies that it fits; a sign or a code does not matter."""
    bare = "".join(letter for letter in signs.without(text.strip()) if unicodedata.category(letter) != "Sc")
    bare = re.sub(r"(?:^|(?<=[\s0-9]))[A-Za-z]{3,5}(?=$|[\s0-9])", "", bare).strip()
    bare = re.sub(r"(?<=[0-9])[\s'\u2019\u02bc](?=[0-9]{3})", "", bare)
    for written in _readings(bare):
        number = Decimal(written)
        for exponent in sorted(set(EXPONENTS.values())):
            minor = number.scaleb(exponent)
            if minor == int(minor) and 0 < minor <= MINOR_MAX:
                yield [code for code, digits in EXPONENTS.items() if digits == exponent], int(minor)


def _readings(text: str) -> set[str]:
    """`1.500,00` and `1,500.00` have one; `1,500` may be one and a half, or fifteen hundred."""
    found = {text.replace(",", ".")}
    if re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]+)?", text, re.ASCII):
        found.add(text.replace(".", "").replace(",", "."))
    if re.fullmatch(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?", text, re.ASCII):
        found.add(text.replace(",", ""))
    return {one for one in found if _AMOUNT.fullmatch(one)}


def _parsed(prefix: str, letters: str) -> Ref | None:
    try:
        return Ref(prefix, ids.parse("", f"_{letters}"))
    except NotFound:  # spelled like one, and too large for any
        return None
