"""Telling every process that what it remembers of keys and stores has changed."""
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.parties import key_invalidation

LASTING = text("SELECT set_config('synchronous_commit', 'on', true)"
               " WHERE current_setting('synchronous_commit') = 'off'")  # stricter ones stay


def tell(session: Session) -> None:
    """Have every process look again, once this transaction has committed: onto the disk, however the server is set, for
    a key that was refused must not open again after a crash."""
    session.execute(LASTING)
    session.execute(text(f"NOTIFY {key_invalidation.CHANNEL}"))
