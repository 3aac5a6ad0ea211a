"""How often signing in failed, per account and per address: counted in PostgreSQL, so it holds without Redis.

A try is counted before the password is looked at and given back when it was right: a hundred at once are a hundred.
"""
import hashlib
from datetime import timedelta
from ipaddress import IPv6Address, ip_address

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.core import clock
from portal.core.errors import TooMany

WINDOW_S = 60
ACCOUNT_MAX = 5
ADDRESS_MAX = 10
NETWORK_BITS = 64  # one IPv6 customer has a whole /64

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


def take(session: Session, email: str, address: str | None) -> None:
    """Count a try; commit it even when refused. Raises TooManyAttempts."""
    now = clock.now()
    refused = None
    for subject, most in _subjects(email, address):
        failures, window_at = session.execute(TAKE, {
            "subject": subject, "now": now, "window_from": now - timedelta(seconds=WINDOW_S)}).one()
        if failures > most:
            refused = TooManyAttempts()
            refused.retry_after_s = max(1, round((window_at - now).total_seconds()) + WINDOW_S)
    if refused is not None:
        raise refused


def give_back(session: Session, email: str, address: str | None) -> None:
    """It was the right password: this try does not count."""
    for subject, _ in _subjects(email, address):
        session.execute(GIVE_BACK, {"subject": subject})


def sweep(session: Session) -> None:
    """Forget windows that are long over."""
    session.execute(SWEEP, {"before": clock.now() - timedelta(hours=1)})


def network_of(address: str) -> str:
    """The address itself, or the /64 of an IPv6 one."""
    found = ip_address(address)
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return f"{IPv6Address(int(found) >> NETWORK_BITS << NETWORK_BITS)}/{NETWORK_BITS}"


def _subjects(email: str, address: str | None) -> list[tuple[str, int]]:
    """In one order always, so that two tries never wait in a circle: addresses before accounts."""
    account = f"account:{hashlib.sha256(email.encode()).hexdigest()}", ACCOUNT_MAX
    return [account] if address is None else [(f"address:{network_of(address)}", ADDRESS_MAX), account]
