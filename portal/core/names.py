"""Names, e-mail addresses and ids have one form: what nobody can see or tell apart is refused, the rest is comparable.

`wrong_with` judges what somebody enters, `tidy` is how it is kept and shown, `canonical` is how two are compared,
counted and searched for, `in_order` how lists of them are sorted.
"""
import re
import unicodedata
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError
from sqlalchemy import collate, func, literal_column

# Drawn as nothing although Unicode counts them among letters and marks: fillers, joiners, variation selectors, braille
# without dots. Categories C* and Zl, Zp say the rest.
_DRAWN_AS_NOTHING = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
                               "\U000e0100-\U000e01ef]")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d")
_JOINED = frozenset({"ARABIC", "SYRIAC", "MONGOLIAN", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL",
                     "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "KHMER", "MYANMAR"})  # where they change the letters
# One word may hold these together, as Japanese, Korean and Chinese do.
_EAST_ASIAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "BOPOMOFO", "HANGUL", "IDEOGRAPHIC"})
_OF_NO_SCRIPT = frozenset({"MODIFIER", "COMBINING", "FEMININE", "MASCULINE"})
_LETTERS = re.compile(r"[^\W\d_]+")
_SAME = str.maketrans({**dict.fromkeys("’‘ʼʻ`´′＇", "'"), **dict.fromkeys("‐‑‒–—−﹣－", "-"),
                       **dict.fromkeys("«»“”„‟″＂", '"'), "ё": "е", "ı": "i"})
_FOLDED, _FOLDS_TO = "ё’‘ʼʻ`´′‐‑‒–—−", "е" + 7 * "'" + 6 * "-"  # of _SAME, what people type; in the index of orders
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)*")
_EMAIL_MAX = 254
_ACCENTS = "[\u0300-\u036f]"
_SHORT_I = "и\uffff"  # after every И
_FORMULAS = frozenset("=+-@\N{MINUS SIGN}")


def tidy(text: str) -> str:
    """As it is kept and shown: composed letters, one blank between words, none around them."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def canonical(text: str) -> str:
    """As two are compared, counted and looked for: the width, case, ё, kind of dash or quotation mark and what is not
    seen make no difference. Never shown to anybody. Idempotent."""
    if text.isascii() and text.isprintable():
        return " ".join(text.translate(_SAME).lower().split())
    folded = text.translate(_SAME)  # first: NFKC makes a blank and a mark of an accent that stands alone
    for _ in range(2):  # folding can leave what composes to something that folds again
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded).casefold())
        folded = "".join(letter for letter in folded if letter.isspace() or not _unseen(letter))
    return " ".join(folded.replace("i\u0307", "i").translate(_SAME).split())


def wrong_with(text: str) -> PydanticCustomError | None:
    """Why a name or an id is refused: it holds what cannot be seen or read apart. None: nothing is wrong."""
    if text.isascii() and text.isprintable():
        return None
    if has_unseen(text):
        return PydanticCustomError(
            "invisible_character", "This holds an invisible or direction-turning character. Type it anew.")
    if any(_mixes(word) for word in _LETTERS.findall(unicodedata.normalize("NFKC", text))):
        return PydanticCustomError(
            "mixed_alphabets", "One word mixes alphabets whose letters look alike. Write each word in one alphabet.")
    return None


def has_unseen(text: str) -> bool:
    """It holds a control, format, unassigned or direction-turning character, or one that is drawn as nothing."""
    return any(_unseen(letter) and not _joins(text, at) for at, letter in enumerate(text))


def without_unseen(text: str) -> str:
    """The text less what cannot be seen: for what a third person typed, which is no fault of whoever sends it on."""
    return "".join(letter for at, letter in enumerate(text) if not _unseen(letter) or _joins(text, at))


def reads_as_formula(text: str) -> bool:
    """A spreadsheet may take it for one: some drop blanks and what is not seen before the sign, some read look-alikes
    (full width, small, raised, lowered) as the sign."""
    for letter in text:
        if letter in "\t\r\n" or unicodedata.normalize("NFKC", letter)[0] in _FORMULAS:
            return True
        if not (letter.isspace() or _unseen(letter)):
            return False
    return False


def name(text: str) -> str:
    """Of a person, a company, a store, a key, as it is kept. Raises ValueError, for pydantic."""
    if (wrong := wrong_with(text)) is not None:
        raise wrong
    if not (kept := tidy(text)):
        raise PydanticCustomError("missing", "Field required")
    return kept


def plain_id(text: str) -> str:
    """Somebody else's id, as it is: no blanks at its ends, nothing unseen, no look-alikes. Raises ValueError."""
    if text != text.strip():
        raise PydanticCustomError("outer_blanks", "Leave out blanks at the beginning and the end.")
    if (wrong := wrong_with(text)) is not None:
        raise wrong
    return text


def email(text: str) -> str:
    """An e-mail address in the form it is kept and compared in: small letters, an international domain in its own.

    Raises ValueError, for pydantic.
    """
    small = unicodedata.normalize("NFKC", text).strip().lower()
    if (wrong := wrong_with(small)) is not None:
        raise wrong
    local, _, domain = small.rpartition("@")
    try:
        domain = ".".join(_label(label) for label in domain.split("."))
    except UnicodeError:
        raise PydanticCustomError("invalid_email", "This is not an e-mail address.") from None
    small = f"{local}@{domain}"
    if not _EMAIL.fullmatch(small) or len(small) > _EMAIL_MAX:
        raise PydanticCustomError("invalid_email", "This is not an e-mail address.")
    if (wrong := wrong_with(small)) is not None:  # what xn-- stood for
        raise wrong
    return small


def email_sought(text: str) -> str:
    """The same for looking somebody up: an address that is none finds nobody and is no fault."""
    try:
        return email(text)
    except ValueError:
        return text.strip().lower()


def folded(column: Any) -> Any:
    """Of a column, as the database compares it with `canonical` text: case, ё, kinds of apostrophe and dash, ß. What
    only few write (widths, ligatures) it leaves as it stands. Its index names it: both change together."""
    return func.replace(func.translate(func.lower(column), _FOLDED, _FOLDS_TO), "ß", "ss")


def in_order(column: Any) -> Any:
    """Sort a list by it as readers do, and not by bytes: A beside a, Ё and Е as one, Ä beside A, Й after И; the Latin
    alphabet before the Cyrillic. The server's own collations differ from one to the next, and kept builds have no ICU.
    """
    letters = func.replace(func.replace(func.lower(column), "ё", "е"), "й", _SHORT_I)
    return collate(func.regexp_replace(func.normalize(letters, literal_column("NFKD")), _ACCENTS, "", "g"), "C")


def order_key(text: str) -> str:
    """The same for what is sorted here, as words that were translated."""
    letters = text.lower().replace("ё", "е").replace("й", _SHORT_I)
    return re.sub(_ACCENTS, "", unicodedata.normalize("NFKD", letters))


Name = Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(name)]
Email = Annotated[str, StringConstraints(max_length=_EMAIL_MAX), AfterValidator(email)]


def _label(label: str) -> str:
    """One part of a domain, as its owner writes it. Raises UnicodeError."""
    shown = label.encode().decode("idna") if label.startswith("xn--") else label
    shown.encode("idna")  # too long, or of letters that no domain has
    return unicodedata.normalize("NFKC", shown).lower()


@lru_cache(4096)
def _unseen(letter: str) -> bool:
    return unicodedata.category(letter) in _UNSEEN or _DRAWN_AS_NOTHING.match(letter) is not None


def _joins(text: str, at: int) -> bool:
    """A joiner between letters of a script that is written with them, as Persian and Hindi are."""
    return (text[at] in _JOINERS and 0 < at < len(text) - 1
            and _script(text[at - 1]) in _JOINED and _script(text[at + 1]) in _JOINED)


def _mixes(word: str) -> bool:
    scripts = {_script(letter) for letter in word} - _OF_NO_SCRIPT
    if scripts & _EAST_ASIAN:
        scripts -= _EAST_ASIAN | {"LATIN"}  # a product's name beside them is usual, and looks like none of theirs
        return bool(scripts)
    return len(scripts) > 1


@lru_cache(4096)
def _script(letter: str) -> str:
    """The first word of the letter's name in Unicode: LATIN, CYRILLIC, GREEK, …"""
    return unicodedata.name(letter, "").partition(" ")[0]
