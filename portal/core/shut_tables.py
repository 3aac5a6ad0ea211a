"""Whether a table is locked, or about to be: who waited in vain behind others for one row is told of no row either."""
from sqlalchemy import text

from portal.core.db import engine, translated

SHUT = text(
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'relation'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND relation >= 16384"
    " AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))")
"""Of ours, in a mode that keeps writers out; not yet granted it keeps out whoever comes later."""


def is_any_shut() -> bool:
    """On a connection of its own, for the caller's transaction has failed. Raises DatabaseUnavailable."""
    with translated(), engine().connect() as connection:
        return bool(connection.scalar(SHUT))
