"""An act that wants to know who sits there now: the person types their own password again, for this one act."""
from portal.core.db import reader, transaction
from portal.parties import attempts, users
from portal.web.identity import signed_in


def prove(password: str) -> None:
    """Wrong ones count as failed sign-ins of theirs. Raises Invalid, TooManyAttempts."""
    actor = signed_in()
    with transaction() as session:
        attempts.take(session, actor.name, actor.address)
    users.check_own(reader(), actor, password)
    with transaction() as session:
        attempts.give_back(session, actor.name, actor.address)
