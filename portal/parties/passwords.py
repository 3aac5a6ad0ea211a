"""Passwords: argon2id, few at a time, exact match; what is too short or too well known is refused."""
import re
import threading
import unicodedata
from collections.abc import Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type, hash_secret_raw

from portal.core import breached
from portal.core.errors import Denied, FieldError, Invalid, Unavailable

CHARACTERS_MIN = 15
CHARACTERS_MIN_SECOND_FACTOR = 8  # where a code is asked for besides
CHARACTERS_MAX = 128
WORDS_OF_HERE = ("quittance",)
LEFT_MIN = 8  # characters besides those words
AT_ONCE_MAX = 4  # hashes in one process: each takes 19 MiB and a core
WAIT_S = 10  # for a place among them

SALT_BYTES, DIGEST_BYTES = 16, 32
ROUNDS, MEMORY_KIB = 2, 19456
_hasher = PasswordHasher(time_cost=ROUNDS, memory_cost=MEMORY_KIB, parallelism=1)
_places = threading.BoundedSemaphore(AT_ONCE_MAX)


class Busy(Unavailable):
    """Too many people are signing in just now. Try again in a few seconds."""

    code = "sign_in_busy"


class ChooseYourOwn(Denied):
    """Choose a password of your own first: the one you were given opens the desk once. You do it in your account."""

    code = "choose_your_own_password"


def check(password: str, *, about: tuple[str, ...] = (), second_factor: bool = False, field: str = "/password") -> None:
    """May this be somebody's password? `about`: their e-mail and name, which it must not be. Raises Invalid."""
    text = _normal(password)
    least = CHARACTERS_MIN_SECOND_FACTOR if second_factor else CHARACTERS_MIN
    if len(text) < least:
        raise _refused(field, "password_too_short", "Use at least %(characters)s characters.", characters=least)
    if len(text) > CHARACTERS_MAX:
        raise _refused(field, "password_too_long", "Use at most %(characters)s characters.", characters=CHARACTERS_MAX)
    if (text.casefold() in known() or text.casefold() in {word.casefold() for word in about} or len(set(text)) < 4
            or _is_mostly_of_here(text.casefold(), about) or breached.has(text)):
        raise _refused(field, "password_known", "This password is too easy to guess. Choose another.")


def hashed(password: str) -> str:
    """Raises Busy."""
    with _Place():
        return _hasher.hash(_normal(password))


def matches(password_hash: str | None, password: str) -> bool:
    """Is it the password? Takes as long for an account that does not exist. Raises Busy."""
    with _Place():
        try:
            return _hasher.verify(password_hash or _nobody(), _normal(password)) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False


def digest(secret: str, salt: bytes) -> bytes:
    """The same at the same salt, at the cost of a password's hash: for secrets of less than 112 bits. Raises Busy."""
    with _Place():
        return hash_secret_raw(secret.encode(), salt, ROUNDS, MEMORY_KIB, 1, DIGEST_BYTES, Type.ID)


def is_dated(password_hash: str) -> bool:
    """Made with parameters of an earlier time."""
    return _hasher.check_needs_rehash(password_hash)


@cache
def known() -> frozenset[str]:
    """What everybody tries first, from a packaged list: 13 MB, so only when somebody sets a password."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])


@cache
def _nobody() -> str:
    return _hasher.hash("nobody has this password")


def prepare() -> None:
    """Have ready what the first sign-in would wait for, so that an unknown account takes no longer."""
    _nobody()


class _Place:
    def __enter__(self) -> None:
        if not _places.acquire(timeout=WAIT_S):
            raise Busy()

    def __exit__(self, *why: object) -> None:
        _places.release()


def _normal(password: str) -> str:
    return unicodedata.normalize("NFC", password)


def _is_mostly_of_here(text: str, about: Iterable[str]) -> bool:
    """Little is left of it without the words that stand on every page: the product's, and the person's own."""
    words = [*WORDS_OF_HERE, *(word for fact in about for word in re.findall(r"\w{4,}", fact.casefold()))]
    left = text
    for word in sorted(words, key=len, reverse=True):
        left = left.replace(word, "")
    return left != text and len(left) < LEFT_MIN


def _refused(field: str, code: str, sentence: str, **params: object) -> Invalid:
    return Invalid(fields=[FieldError(field, code, sentence, params)])
