"""What of a call may be kept: no secrets, no people, no numbers of cards, accounts and phones.

By the name of a field first, then by what a text looks like: whatever has eight digits in a row is somebody's number,
unless it is plainly a moment, an id of ours, a sum under a sum's name, or the store's own id of an order.
"""
import re
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
TEXT = re.compile(
    r"(?P<kept>(?<![0-9A-Za-z])[a-z]{2,5}_[0-7][0-9A-HJKMNP-TV-Z]{25}(?![0-9A-Za-z])"
    r"|(?<!\d)\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d))?(?![\d-])"
    r"|(?<![\d.])\d{1,7}\.\d\d(?![\d.]))"
    rf"|(?P<token>{secret_words.KEY}|{secret_words.SPELLED}"
    r"|(?<=/pay/)[\w.~-]{8,})"
    r"|(?P<number>\d(?:[\s().,/_+*\u00ad\u2010-\u2015-]{0,3}\d){7,})")
LONG_NUMBER = 13  # digits: of such a one six and four may be shown, as everywhere; of a shorter one the last four
URL_SECRETS = re.compile(r"(?<=://)[^/@\s]*@|(?<=[?&#])[^=&#\s]*=?[^&#\s]*")


def body(sent: bytes) -> tuple[Any, str | None]:
    """What was sent as it may be kept, parsed and as text. (None, None): it is no JSON, and nothing of it is kept."""
    try:
        kept = cleaned(from_json(sent))
        return kept, cut(to_json(kept).decode())
    except (ValueError, RecursionError):
        return None, None


def cut(text: str) -> str:
    return text if len(text) <= KEPT_MAX else text[:KEPT_MAX - 1] + "…"


def cleaned(value: Any, name: str = "", depth: int = 0) -> Any:
    """The same value, all the way down. `name`: of the field it stands in."""
    match value:
        case str():
            return _text(value, name)
        case bool() | None:
            return HIDDEN if value is not None and _is_secret(name) else value
        case int() | float():
            return _number(value, name)
        case _ if depth >= DEEPEST or _is_secret(name):
            return HIDDEN
        case dict():
            named = "code" in value  # a bank's name, not a person's
            return {_masked(key): HIDDEN if key == "name" and not named and item is not None
                    else cleaned(item, key, depth + 1)
                    for key, item in value.items()}
        case list():
            return [cleaned(item, name, depth + 1) for item in value]
        case _:
            return HIDDEN


def path(sent: str) -> str:
    return "/".join(map(_masked, sent.split("/")))


def query(sent: str) -> str:
    """A query string, its values judged like fields."""
    pairs = parse_qsl(sent, keep_blank_values=True, max_num_fields=None)
    return urlencode([(_masked(name), _text(value, name)) for name, value in pairs], safe="*[]:,")


def _is_secret(name: str) -> bool:
    return name.lower() in SECRETS or secret_words.NAME.search(name) is not None


def _text(value: str, name: str) -> str:
    if not value:
        return value
    if name.lower() in PEOPLE or _is_secret(name):
        return HIDDEN
    if name.lower() in NUMBERS and "*" not in value:
        return _last_four(value)
    if name == "external_id":
        found: str = scrubbed(value)
        return found
    if SUM.fullmatch(value) and SUMS.search(name):
        return value
    if "://" in value:
        value = URL_SECRETS.sub("…", value)
    return _masked(value)


def _number(value: float, name: str) -> Any:
    if _is_secret(name):
        return HIDDEN
    text = str(value)
    if SUMS.search(name) and SUM.fullmatch(text):
        return value
    masked = _masked(text)
    return value if masked == text else masked


def _masked(text: str) -> str:
    return TEXT.sub(_judge, text) if len(text) >= 8 else text


def _judge(found: re.Match[str]) -> str:
    if found["kept"]:
        return found["kept"]
    if found["token"]:
        return HIDDEN
    return _last_four("".join(letter for letter in found["number"] if letter.isdecimal()))


def _last_four(number: str) -> str:
    first = number[:6] if len(number) >= LONG_NUMBER else ""
    return f"{first}******{number[-4:] if len(number) > 4 else ''}"
