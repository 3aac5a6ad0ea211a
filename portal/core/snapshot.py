"""Reading much at one moment: the books, the audit."""
from sqlalchemy import Connection
from sqlalchemy.orm import Session


def snapshot(session: Session) -> Connection:
    """Begin a transaction that only reads and sees one moment. The session must not have begun one; roll it back.

    Said as a statement: by SQLAlchemy's `postgresql_readonly` every later transaction of that connection would ask for
    READ WRITE, which a standby refuses in words that `core.db_outage.is_away` does not know.
    """
    assert not session.in_transaction(), "a snapshot is taken at the beginning"
    connection = session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    connection.exec_driver_sql("SET TRANSACTION READ ONLY")
    return connection
