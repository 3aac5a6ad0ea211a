"""How often a secret was guessed wrong, counted in PostgreSQL, so it holds without Redis.

A try is counted before the secret is looked at and given back when it was right: a hundred at once are a hundred.
Who guesses at a sign-in spends a budget of their own network's, so that nobody keeps the owner out; a browser the owner
has signed in at before has one of its own; a password asked for within a session counts on that session alone.
"""
import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.addresses import network_of
from portal.core.errors import TooMany

WINDOW_S = 60
ACCOUNT_MAX = 5  # of one account from one network, or at one known browser, or within one session
ADDRESS_MAX = 10  # from one network, whoever is meant
RECOVERIES_MAX = 3  # letters to one account
FACTOR_WINDOW_S = 15 * 60
EVERYWHERE_MAX = 60  # of one account from all networks together: slows an army of addresses down, known browsers never

TAKE = text("""
    INSERT INTO login_failures AS f (subject, window_at, failures) VALUES (:subject, :now, 1)
    ON CONFLICT (subject) DO UPDATE SET
        failures = CASE WHEN f.window_at <= :window_from THEN 1 ELSE f.failures + 1 END,
        window_at = CASE WHEN f.window_at <= :window_from THEN :now ELSE f.window_at END
    RETURNING failures, window_at""")
GIVE_BACK = text("UPDATE login_failures SET failures = failures - 1 WHERE subject = :subject AND failures > 0")
SWEEP = text("DELETE FROM login_failures WHERE window_at < :before")


class TooManyAttempts(TooMany):
    """Too many failed attempts. Wait a minute and try again."""

    code = "too_many_attempts"


@dataclass(frozen=True)
class Guess:
    """Whose secret is tried, and from where; `device` is the id of a browser known for this very account."""

    budgets: tuple[tuple[str, int], ...]  # in one order always, so that two tries never wait in a circle
    window_s: int = WINDOW_S

    @classmethod
    def at_the_door(cls, email: str, address: str | None, device: str | None = None) -> "Guess":
        """A sign-in: the same for accounts that do not exist."""
        account = hashlib.sha256(email.encode()).hexdigest()
        if device is not None:
            return cls(((f"device:{device}:{account}", ACCOUNT_MAX),))
        network = network_of(address or "") or "nowhere"
        return cls(((f"address:{network}", ADDRESS_MAX), (f"account:{account}:{network}", ACCOUNT_MAX),
                    (f"account:{account}", EVERYWHERE_MAX)))

    @classmethod
    def within(cls, session_id: str) -> "Guess":
        """Somebody signed in shows that it is still they."""
        return cls(((f"session:{session_id}", ACCOUNT_MAX),))

    @classmethod
    def at_recovery(cls, email: str, address: str | None) -> "Guess":
        """Letters that one network asks for, and that one account is sent, in a quarter of an hour."""
        account, network = hashlib.sha256(email.encode()).hexdigest(), network_of(address or "") or "nowhere"
        return cls(((f"recovery:{network}", ADDRESS_MAX), (f"recovery:{account}", RECOVERIES_MAX)), FACTOR_WINDOW_S)

    @classmethod
    def at_the_second_factor(cls, user_id: object) -> "Guess":
        """Five wrong codes of a person, whoever has their password, pause it for a quarter of an hour."""
        return cls(((f"factor:{user_id}", ACCOUNT_MAX),), FACTOR_WINDOW_S)


def take(session: Session, guess: Guess) -> None:
    """Count a try; commit it even when refused. Raises TooManyAttempts."""
    now = clock.now()
    for subject, most in guess.budgets:
        failures, window_at = session.execute(TAKE, {
            "subject": subject, "now": now, "window_from": now - timedelta(seconds=guess.window_s)}).one()
        if failures > most:  # and none of the wider budgets is spent by who is refused anyway
            refused = TooManyAttempts()
            refused.retry_after_s = max(1, round((window_at - now).total_seconds()) + guess.window_s)
            raise refused


def give_back(session: Session, guess: Guess) -> None:
    """It was the right one: this try does not count."""
    for subject, _ in guess.budgets:
        session.execute(GIVE_BACK, {"subject": subject})


def sweep(session: Session) -> None:
    """Forget windows that are long over."""
    session.execute(SWEEP, {"before": clock.now() - timedelta(hours=1)})
