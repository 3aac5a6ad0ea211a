"""`flask ledger verify`: the books proved anew from their postings."""
import click
from flask.cli import AppGroup

from portal.core import clock
from portal.core.db import reader, transaction
from portal.ledger import proofs
from portal.ledger import verify as proof

group = AppGroup("ledger", help="The books.")


@group.command("verify")
def verify() -> None:
    """Recompute every balance from its postings, on the running desk. Exits 1 when anything differs."""
    from portal.orders import proof as orders_proof

    assert orders_proof  # registered its checks of settle entries and holds
    began_at = clock.now()
    report = proof.run(reader())
    with transaction() as session:
        proofs.keep(session, report, began_at=began_at, ended_at=clock.now(), by="command line")
    for result in report.results:
        click.echo(f"{'differs' if result.differences else 'holds':8}{result.name} ({result.examined} examined)")
        for difference in result.differences:
            click.echo(f"        {difference}")
    click.echo(f"{len(report.results)} checks, {len(report.differences)} differences")
    if not report.holds:
        raise click.exceptions.Exit(1)
