"""Alembic's environment: as the owner, with short waits for locks and many tries, so that the desk never queues up."""
from alembic import context
from alembic.migration import MigrationContext
from flask import current_app
from sqlalchemy import create_engine, pool

from portal import tables
from portal.core import readiness, schema_locks
from portal.core.db import Base

assert tables


def include_object(thing: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
    """Monthly partitions are made by `make_partitions`, not by the models."""
    return not ((kind == "table" and reflected and name is not None and "_p2" in name) or name in EXTRA)


EXTRA = {"alembic_version"}


def run() -> None:
    url = current_app.extensions["settings"].owner_url
    engine = create_engine(url, poolclass=pool.NullPool,
                           connect_args={"target_session_attrs": "read-write"})  # of several hosts the one that can
    with engine.connect() as connection:
        schema_locks.bound_waits(connection)
        version = MigrationContext.configure(connection).get_current_revision()
        connection.commit()
        if readiness.is_of_before(version):
            raise SystemExit(readiness.MADE_ANEW.format(version=version))

        def migrate() -> None:
            """From where the last try ended: each migration is a transaction of its own."""
            context.configure(connection=connection, target_metadata=Base.metadata, include_object=include_object,
                              compare_type=True, transaction_per_migration=True)
            with context.begin_transaction():
                context.run_migrations()

        schema_locks.insist(migrate)


run()
