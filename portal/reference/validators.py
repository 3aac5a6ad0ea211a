"""What a requisite's number must look like, per method."""
import re
from collections.abc import Callable

from portal.core.errors import FieldError, Invalid
from portal.core.logging import luhn

_SEPARATORS = re.compile(r"[ \-()]")


def luhn16(number: str) -> str:
    """A bank card: 16 digits with a right check digit. Raises ValueError."""
    digits = _SEPARATORS.sub("", number)
    if not re.fullmatch(r"[0-9]{16}", digits):
        raise ValueError("A card number has 16 digits.")
    if not luhn(digits) or digits == "0" * 16:
        raise ValueError("This card number has a typing mistake: its check digit does not fit.")
    return digits


def phone(number: str) -> str:
    """A phone on a local payment rail, as +, country code and number; 8 and ten digits mean Russia or Kazakhstan.

    Raises ValueError.
    """
    digits = _SEPARATORS.sub("", number)
    if re.fullmatch(r"8[0-9]{10}", digits):
        digits = f"+7{digits[1:]}"
    elif re.fullmatch(r"7[0-9]{10}", digits):
        digits = f"+{digits}"
    if not re.fullmatch(r"\+[1-9][0-9]{9,14}", digits):
        raise ValueError("Write the phone as +7 900 123-45-67.")
    return digits


def account20(number: str) -> str:
    """A bank account of 20 digits. Raises ValueError."""
    digits = _SEPARATORS.sub("", number)
    if not re.fullmatch(r"[0-9]{20}", digits) or digits == "0" * 20:
        raise ValueError("An account number has 20 digits.")
    return digits


VALIDATORS: dict[str, Callable[[str], str]] = {"luhn16": luhn16, "phone": phone, "account20": account20}


def check(validator: str, number: str) -> str:
    """The number in its one canonical spelling. Raises Invalid on the field `number`."""
    try:
        return VALIDATORS[validator](number)
    except ValueError as error:
        raise Invalid(fields=[FieldError("/number", "bad_number", str(error))]) from None
