"""What strangers and staff can ask for about applications."""
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, StringConstraints
from pydantic_core import PydanticCustomError

from portal.core.commands import Command
from portal.core.names import Email, Name, has_unseen
from portal.parties.commands import CurrencyCode, Locale, Reason

Kind = Literal["merchant", "trader"]
VOLUMES = ("under_10k", "to_100k", "to_1m", "over_1m")  # USDT a month
FILES_MAX = 5
_PHONE = re.compile(r"\+?[0-9 ()./-]{6,30}")


def _phone(text: str) -> str:
    if _PHONE.fullmatch(text) is None or not 6 <= sum(letter.isdigit() for letter in text) <= 15:
        raise PydanticCustomError("invalid_phone", "Write the number with its country code, as in +7 900 123-45-67.")
    return text


def _plain(text: str) -> str:
    if has_unseen(text.replace("\n", " ").replace("\r", " ").replace("\t", " ")):
        raise PydanticCustomError(
            "invisible_character", "This holds an invisible or direction-turning character. Type it anew.")
    return text


Country = Annotated[Name, StringConstraints(max_length=60)]
Plain = Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(_plain)]
ApplicationId = Annotated[str, StringConstraints(max_length=40)]


class Apply(Command):
    """`files`: ids of the applicant's drafts."""

    kind: Kind
    name: Name
    contact: Name
    email: Email
    phone: Annotated[str, AfterValidator(_phone)]
    country: Country
    volume: Literal["under_10k", "to_100k", "to_1m", "over_1m"]
    website: Annotated[str, StringConstraints(max_length=200), AfterValidator(_plain)] | None = None
    wants: Plain
    locale: Locale = "en"
    files: tuple[Annotated[str, Field(max_length=60)], ...] = Field((), max_length=FILES_MAX)


class Propose(Command):
    """A second person decides. `told`: what the applicant reads; `currency`: a trader is settled in it."""

    application_id: ApplicationId
    decision: Literal["accept", "refuse"]
    reason: Reason
    told: Plain | None = None
    currency: CurrencyCode = "USDT"


class AddNote(Command):
    application_id: ApplicationId
    text: Plain


class ChooseFirstPassword(Command):
    """By whoever holds the link."""

    link: Annotated[str, StringConstraints(max_length=100)]
    password: SecretStr
