"""`flask ledger`: the books proved anew from their postings, whole or since the proof before; a day added up anew."""
from datetime import datetime, timedelta

import click
from flask.cli import AppGroup

from portal.core import clock
from portal.core.db import reader, transaction
from portal.ledger import proofs
from portal.ledger import verify as proof
from portal.treasury import result

group = AppGroup("ledger", help="The books.")


@group.command("result")
@click.argument("first", type=click.DateTime(["%Y-%m-%d"]))
@click.argument("last", type=click.DateTime(["%Y-%m-%d"]), required=False)
def add_up(first: datetime, last: datetime | None) -> None:
    """Add up the desk's own result of these days anew."""
    day, end = first.date(), (last or first).date()
    while day <= min(end, clock.today()):
        with transaction() as session:
            result.compute_day(session, day)
        click.echo(f"{day} added up")
        day += timedelta(days=1)


@group.command("verify")
@click.option("--since-last", is_flag=True, help="Only what has changed since the proof before.")
def verify(since_last: bool) -> None:
    """Recompute every balance from its postings, on the running desk. Exits 1 when anything differs."""
    from portal.disputes import proof as disputes_proof
    from portal.orders import proof as orders_proof

    assert disputes_proof
    assert orders_proof  # registered its checks of settle entries and holds
    session, began_at = reader(), clock.now()
    since = proofs.mark(session) if since_last else None
    session.rollback()
    report = proof.run(session, since=since)
    with transaction() as session:
        proofs.keep(session, report, began_at=began_at, ended_at=clock.now(), by="command line")
    for one in report.results:
        click.echo(f"{'differs' if one.differences else 'holds':8}{one.name} ({one.examined} examined"
                   f"{'' if one.whole else ' that changed'})")
        for difference in one.differences:
            click.echo(f"        {difference}")
    if since is not None:
        click.echo(f"since {clock.rfc3339(since)}")
    click.echo(f"{len(report.results)} checks, {len(report.differences)} differences")
    if not report.holds:
        raise click.exceptions.Exit(1)
