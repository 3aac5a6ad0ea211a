"""An act that wants to know who sits there now: the person types their own password again, for this one act."""
from portal.core.db import reader, transaction
from portal.parties import attempts, users
from portal.web.identity import signed_in


def prove(password: str) -> None:
    """Wrong ones count as failed sign-ins of theirs. Raises Invalid, TooManyAttempts."""
    actor, refused = signed_in(), None
    with transaction() as session:
        try:
            attempts.take(session, actor.name, actor.address)
        except attempts.TooManyAttempts as error:
            refused = error  # raised after the commit: the count stays
    if refused is not None:
        raise refused
    users.check_own(reader(), actor, password)
    with transaction() as session:
        attempts.give_back(session, actor.name, actor.address)
