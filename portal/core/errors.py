"""Errors the desk raises on purpose, each with a stable public `code`; a docstring is the sentence people see."""
from collections.abc import Mapping

FIELDS_MAX = 50  # wrong fields in one answer: nobody reads more, and who sends thousands is not told of each


class PortalError(Exception):
    """Something went wrong."""

    code = "internal"
    retryable = False

    def __init__(self, message: str = "", **details: object) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.details = details

    @property
    def message(self) -> str:
        return str(self)


class FieldError:
    """One thing wrong with one field: a JSON pointer (`/customer/ip`), a stable code, a sentence.

    The sentence holds %(places)s for `params`, so that pages translate it once, whatever the values are.
    """

    __slots__ = ("code", "field", "params", "sentence")

    def __init__(self, field: str, code: str, sentence: str, params: Mapping[str, object] | None = None) -> None:
        self.field, self.code, self.sentence, self.params = field, code, sentence, params or {}

    @property
    def message(self) -> str:
        """In English."""
        return self.sentence % self.params if self.params else self.sentence

    def public(self) -> dict[str, str]:
        return {"field": self.field, "code": self.code, "message": self.message}


class Invalid(PortalError):
    """Please correct the marked fields."""

    code = "invalid"

    def __init__(self, message: str = "", *, fields: list[FieldError] | None = None, **details: object) -> None:
        super().__init__(message, **details)
        self.fields = (fields or [])[:FIELDS_MAX]


class Denied(PortalError):
    """You may not do this."""

    code = "denied"


class NotFound(PortalError):
    """There is no such record."""

    code = "not_found"


class Conflict(PortalError):
    """The record has moved on since you last saw it."""

    code = "conflict"


class Rejected(PortalError):
    """A rule of the business refuses this."""

    code = "rejected"


class NumberTooLarge(Rejected):
    """A number here is larger than the desk can keep. Nothing was changed."""

    code = "number_too_large"


class OddValue(Invalid):
    """The address or the form holds a value that cannot be."""

    code = "odd_value"


class Unavailable(PortalError):
    """The desk cannot do this just now. Try again in a moment."""

    code = "unavailable"
    retryable = True
    retry_after_s = 5


class TooMany(Unavailable):
    """That was too many tries. Wait a minute and try again."""

    code = "too_many"
    retry_after_s = 60


class DatabaseUnavailable(Unavailable):
    """The database does not answer just now. Try again in a few seconds."""

    code = "database_unavailable"
    retry_after_s = 2


class OutcomeUnknown(DatabaseUnavailable):
    """The database has not confirmed this yet. Send it again with the same key to learn what became of it."""

    code = "outcome_unknown"
    retry_after_s = 5


class LockTimeout(Conflict):
    """Somebody else is changing the same record. Try again."""

    code = "busy"
    retryable = True
    retry_after_s = 1

    def __init__(self, message: str = "", *, row: str | None = None, **details: object) -> None:
        """`row`: what the server said of the row for which was waited; None where it was a whole table, or others
        waited for the same row before (`shut_tables` tells which)."""
        super().__init__(message, **details)
        self.row = row


# What the database refuses, in our words: constraint name → error. Nouns add theirs with `judges`.
VERDICTS: dict[str, type[Exception]] = {}


def judges(verdicts: dict[str, type[Exception]]) -> None:
    """A noun names its constraints: a violation of one becomes the error beside it."""
    VERDICTS.update(verdicts)
