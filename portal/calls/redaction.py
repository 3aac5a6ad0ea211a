"""What of a call may be kept: no secrets, no people, no numbers of cards, accounts and phones.

By the name of a field first, then by what a text looks like: whatever has eight digits in a row is somebody's number,
unless it is plainly a moment, an id of ours, a sum under a sum's name, or the store's own id of an order.
"""
import re
from enum import Enum, auto
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

from pydantic_core import from_json, to_json

from portal.core import secret_words
from portal.core.logging import scrubbed

HIDDEN = "[hidden]"
KEPT_MAX = 8 * 1024  # characters of a body
DEEPEST = 64
SECRETS = frozenset({"pin", "otp", "cvv", "cvc"})
PEOPLE = frozenset({"holder", "ip", "phone", "email", "address", "birthday", "passport"})
NUMBERS = frozenset({"number", "account", "account_number", "card", "card_number", "iban", "pan"})
SUMS = re.compile(r"(?:^|_)(?:amount|fee|net|total|rate|available|held|min|max|before|after)(?:_|$)")
SUM = re.compile(r"-?\d{1,9}(\.\d{1,9})?", re.ASCII)
OWN_ID = r"[a-z]{2,5}_[0-7][0-9A-HJKMNP-TV-Z]{25}"
MOMENT = r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d))?"
PLAIN = re.compile(f"{OWN_ID}|{MOMENT}")  # wholly: most long texts of an answer
TEXT = re.compile(
    rf"(?P<kept>(?<![0-9A-Za-z]){OWN_ID}(?![0-9A-Za-z])"
    rf"|(?<!\d){MOMENT}(?![\d-])"
    r"|(?<![\d.])\d{1,7}\.\d\d(?![\d.]))"
    rf"|(?P<token>{secret_words.KEY}|{secret_words.SPELLED}"
    r"|(?<=/pay/)[\w.~-]{8,})"
    r"|(?P<number>\d(?:[\s().,/_+*\u00ad\u2010-\u2015-]{0,3}\d){7,})")
BEGINNINGS = (*secret_words.BEGINNINGS, "/pay/")
# most texts hold neither this nor the beginning of a token, and need no look at each of their places
EIGHT_DIGITS = re.compile(r"\d(?:[\s().,/_+*\u00ad\u2010-\u2015-]{0,3}\d){7}")
SHORTEST = 8  # characters, of what is looked at at all
NAME_MAX, NAMES_MAX = 64, 4096  # characters of a field's name that is remembered, and how many are
LONG_NUMBER = 13  # digits: of such a one six and four may be shown, as everywhere; of a shorter one the last four
URL_SECRETS = re.compile(r"(?<=://)[^/@\s]*@|(?<=[?&#])[^=&#\s]*=?[^&#\s]*")


class Kind(Enum):
    """What a field's name says of its value."""

    SECRET = auto()
    PERSON = auto()
    NUMBER = auto()
    EXTERNAL_ID = auto()
    SUM = auto()
    OTHER = auto()


def body(sent: bytes) -> tuple[Any, str | None]:
    """What was sent as it may be kept, parsed and as text. (None, None): it is no JSON, and nothing of it is kept."""
    try:
        kept = cleaned(from_json(sent))
        return kept, cut(to_json(kept).decode())
    except (ValueError, RecursionError):
        return None, None


def cut(text: str) -> str:
    return text if len(text) <= KEPT_MAX else text[:KEPT_MAX - 1] + "…"


def cleaned(value: Any) -> Any:
    """The same value, all the way down."""
    return _cleaned(value, Kind.OTHER, 0)


def path(sent: str) -> str:
    return "/".join(map(_masked, sent.split("/")))


def query(sent: str) -> str:
    """A query string, its values judged like fields."""
    if not sent:
        return ""
    pairs = parse_qsl(sent, keep_blank_values=True, max_num_fields=None)
    return urlencode([(_masked(name), _text(value, _field(name)[1])) for name, value in pairs], safe="*[]:,")


def _field(name: str) -> tuple[str, Kind]:
    """How it is shown, for it may be a number itself, and what it says. The names of a gateway's fields are few."""
    return _known_field(name) if len(name) <= NAME_MAX else _known_field.__wrapped__(name)


@lru_cache(NAMES_MAX)
def _known_field(name: str) -> tuple[str, Kind]:
    return _masked(name), _kind_of(name)


def _kind_of(name: str) -> Kind:
    lower = name.lower()
    if lower in SECRETS or secret_words.NAME.search(name) is not None:
        return Kind.SECRET
    if lower in PEOPLE:
        return Kind.PERSON
    if lower in NUMBERS:
        return Kind.NUMBER
    if name == "external_id":
        return Kind.EXTERNAL_ID
    return Kind.SUM if SUMS.search(name) else Kind.OTHER


def _cleaned(value: Any, kind: Kind, depth: int) -> Any:
    """A tenth of what a create costs, so that it asks the type once and the name once."""
    is_of = type(value)
    if is_of is str:
        return _text(value, kind)
    if value is None:
        return None
    if is_of is bool:
        return HIDDEN if kind is Kind.SECRET else value
    if is_of is int or is_of is float:
        return _number(value, kind)
    if depth >= DEEPEST or kind is Kind.SECRET:
        return HIDDEN
    if is_of is dict:
        named = "code" in value  # a bank's name, not a person's
        kept = {}
        for name, item in value.items():
            shown, kind = _field(name)
            if item is None or (kind is Kind.OTHER and type(item) is str and len(item) < SHORTEST and name != "name"):
                kept[shown] = item  # most fields of an answer
            else:
                kept[shown] = HIDDEN if name == "name" and not named else _cleaned(item, kind, depth + 1)
        return kept
    return [_cleaned(item, kind, depth + 1) for item in value] if is_of is list else HIDDEN


def _text(value: str, kind: Kind) -> str:
    if not value:
        return value
    if kind is Kind.SECRET or kind is Kind.PERSON:
        return HIDDEN
    if kind is Kind.NUMBER and "*" not in value:
        return _last_four(value)
    if kind is Kind.EXTERNAL_ID:
        found: str = scrubbed(value)
        return found
    if kind is Kind.SUM and SUM.fullmatch(value):
        return value
    if "://" in value:
        value = URL_SECRETS.sub("…", value)
    return _masked(value)


def _number(value: float, kind: Kind) -> Any:
    if kind is Kind.SECRET:
        return HIDDEN
    text = str(value)
    if kind is Kind.SUM and SUM.fullmatch(text):
        return value
    masked = _masked(text)
    return value if masked == text else masked


def _masked(text: str) -> str:
    if len(text) < SHORTEST or PLAIN.fullmatch(text):
        return text
    if EIGHT_DIGITS.search(text):
        return TEXT.sub(_judge, text)
    for beginning in BEGINNINGS:  # any() takes twice as long
        if beginning in text:
            return TEXT.sub(_judge, text)
    return text


def _judge(found: re.Match[str]) -> str:
    if found["kept"]:
        return found["kept"]
    if found["token"]:
        return HIDDEN
    return _last_four("".join(letter for letter in found["number"] if letter.isdecimal()))


def _last_four(number: str) -> str:
    first = number[:6] if len(number) >= LONG_NUMBER else ""
    return f"{first}******{number[-4:] if len(number) > 4 else ''}"
