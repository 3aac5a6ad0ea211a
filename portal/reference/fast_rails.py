"""Numbers and names that stand for an account on a fast rail: phones, UPI, PIX."""
import re
from collections.abc import Collection
from uuid import UUID

MAIL = re.compile(r"[a-z0-9.!#$&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII)
UPI = re.compile(r"[a-z0-9._-]{2,64}@[a-z][a-z0-9]{1,31}", re.ASCII)


def phone(number: str, currency: str, countries: Collection[str]) -> str:
    """A phone that its country's plan knows, as +, country code and number; without a code, of the currency's country.

    `8 900…` and `+7 900…` are one. Raises ValueError.
    """
    import phonenumbers  # the plans of all countries, which only this needs

    home = next(iter(countries), currency[:2])  # by ISO 4217 a currency's code begins with its country's
    wrong = ValueError("This is no phone number that can be called. Write it as +7 900 123-45-67.")
    if re.search(r"[^0-9+ ().\-]", number):
        raise wrong
    try:
        found = phonenumbers.parse(number, home if home in phonenumbers.SUPPORTED_REGIONS else None)
    except phonenumbers.NumberParseException:
        raise wrong from None
    if not phonenumbers.is_possible_number(found) or not phonenumbers.is_valid_number(found):
        raise wrong
    if countries and phonenumbers.region_code_for_number(found) not in countries:
        raise ValueError("Phones of this country are not on offer here.")
    return str(phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164))


def upi(number: str) -> str:
    """An Indian payment address: `name@bank`, in small letters. Raises ValueError."""
    address = number.strip().lower()
    if not UPI.fullmatch(address):
        raise ValueError("Write the UPI address as name@bank.")
    return address


def pix(number: str) -> str:
    """A Brazilian key: CPF or CNPJ with right check digits, phone, e-mail or a random key. Raises ValueError."""
    text = number.strip().lower()
    if MAIL.fullmatch(text):
        return text
    if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}", text):
        return str(UUID(text))
    plain = re.sub(r"[ ./-]", "", text).upper()
    if _checked(plain, r"[0-9]{9}[0-9]{2}", 11) or _checked(plain, r"[0-9A-Z]{12}[0-9]{2}", 9):
        return plain
    try:
        return phone(number, "BRL", ("BR",))
    except ValueError:
        raise ValueError("A PIX key is a CPF, a CNPJ, a Brazilian phone, an e-mail or a random key.") from None


def _checked(text: str, shape: str, highest: int) -> bool:
    """Modulo 11 with weights from 2 up to `highest` and round again; CNPJ may have letters, by their place in ASCII."""
    if not re.fullmatch(shape, text) or len(set(text)) == 1:
        return False
    for place in (-2, -1):
        digits = [ord(sign) - 48 for sign in reversed(text[:place])]
        rest = sum(digit * (2 + at % (highest - 1)) for at, digit in enumerate(digits)) % 11
        if int(text[place]) != (0 if rest < 2 else 11 - rest):
            return False
    return True
