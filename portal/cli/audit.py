"""`flask audit verify`: what can be proved of the audit today."""
import click
from flask.cli import AppGroup
from sqlalchemy import text

from portal.core.db import reader

group = AppGroup("audit", help="The audit trail.")


@group.command("verify")
def verify() -> None:
    """Count the rows, and check that the database still refuses to change them. Seals come with a later release."""
    session = reader()
    for table in ("audit_rows", "order_events"):
        count = session.execute(text(f"SELECT count(*) FROM {table}")).scalar()
        may = session.execute(text("SELECT has_table_privilege(:t, 'UPDATE') OR has_table_privilege(:t, 'DELETE')"),
                              {"t": table}).scalar()
        click.echo(f"{table}: {count} rows, {'CAN BE CHANGED by this role' if may else 'append-only'}")
        if may:
            raise click.exceptions.Exit(1)
