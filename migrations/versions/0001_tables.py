"""Every table of the first release, and what beside tables the database keeps: triggers, functions, grants.

As SQL, a file a room, in the order in which they need one another. A later migration brings its own.

Revision ID: 0001_tables
"""
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0001_tables"
down_revision = None

SQL = Path(__file__).parents[1] / "sql"
ROOMS = ("ground", "core", "ledger", "approvals", "files", "mail", "reference", "parties", "notices", "applications", "tariffs",
         "requisites", "webhooks", "orders", "matching", "gateway", "imports", "treasury", "books", "payouts", "risk",
         "disputes", "help", "privacy", "calls", "test_mode")


def upgrade() -> None:
    for room in ROOMS:
        _run((SQL / f"{room}.sql").read_text("utf-8"))
    _run("SELECT make_partitions(3)")
    _run("SELECT keep_days(7, 7)")


def downgrade() -> None:
    """Back to nothing: the schema was empty before."""
    _run("""
        DO $$ DECLARE thing record; BEGIN
            FOR thing IN SELECT p.oid::regprocedure::text AS name FROM pg_proc p
                   WHERE p.pronamespace = 'public'::regnamespace AND NOT EXISTS (
                         SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') ORDER BY 1 LOOP
                EXECUTE 'DROP FUNCTION IF EXISTS ' || thing.name || ' CASCADE';
            END LOOP;
            FOR thing IN SELECT oid::regclass AS name FROM pg_class WHERE relkind = 'v'
                    AND relnamespace = 'public'::regnamespace LOOP
                EXECUTE 'DROP VIEW ' || thing.name;
            END LOOP;
            FOR thing IN SELECT oid::regclass AS name FROM pg_class WHERE relkind IN ('r', 'p')
                    AND relnamespace = 'public'::regnamespace AND NOT relispartition AND relname <> 'alembic_version' LOOP
                EXECUTE 'DROP TABLE ' || thing.name || ' CASCADE';
            END LOOP;
            FOR thing IN SELECT oid::regclass AS name FROM pg_class WHERE relkind = 'S'
                    AND relnamespace = 'public'::regnamespace LOOP
                EXECUTE 'DROP SEQUENCE ' || thing.name || ' CASCADE';
            END LOOP;
            ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM quittance_app;
            ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM quittance_app;
        END $$""")


def _run(sql: str) -> None:
    """Several statements at once, as they stand: no parameters, no escaping."""
    if op.get_context().as_sql:
        op.execute(sa.text(sql.replace(":", r"\:")))
    else:
        op.get_bind().connection.cursor().execute(sql)
