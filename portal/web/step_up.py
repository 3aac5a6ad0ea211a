"""Places within a session that take a person's password: every one counts its tries, apart from signing in."""
from collections.abc import Iterator
from contextlib import contextmanager

from portal.core.db import reader, transaction
from portal.core.errors import Invalid
from portal.parties import login_throttle, users
from portal.web.identity import signed_in


def prove(password: str) -> None:
    """An act that wants to know who sits there now: they type their own password again, for this one act.

    Raises Invalid, TooManyAttempts.
    """
    with counted():
        users.check_own(reader(), signed_in(), password)


@contextmanager
def counted() -> Iterator[None]:
    """A try at the password is made in here: it stays counted when it was wrong. Raises TooManyAttempts before it."""
    guess = login_throttle.Guess.within(signed_in().details["session"])
    count(guess)
    try:
        yield
    except Invalid as refused:
        if any(field.code == users.WRONG_PASSWORD for field in refused.fields):
            raise
        forgive(guess)  # it was right, only the rest of the form was not
        raise
    forgive(guess)


def count(guess: login_throttle.Guess) -> None:
    """In a transaction of its own: the count stays when the try is refused. Raises TooManyAttempts."""
    refused = None
    with transaction(alone=True) as session:
        try:
            login_throttle.take(session, guess)
        except login_throttle.TooManyAttempts as error:
            refused = error
    if refused is not None:
        raise refused


def forgive(guess: login_throttle.Guess) -> None:
    with transaction(alone=True) as session:
        login_throttle.give_back(session, guess)
