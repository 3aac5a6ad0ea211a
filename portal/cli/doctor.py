"""`flask doctor`: is the desk fit, today and for the next weeks? In words, with what to do."""
import click
from flask import current_app
from flask.cli import with_appcontext

from portal.cli.examinations import Examination, Finding, Need, database, desk, machine
from portal.core.db import reader

ALL: tuple[Examination, ...] = (
    machine.settings, machine.clocks, machine.disk, machine.backups, machine.scanner, database.partitions,
    database.old_months, database.indexes, database.extensions, database.bloat, database.long_transactions,
    database.replication, database.standby, database.collations, desk.jobs, desk.proved, desk.keys)
MARKS = {Need.WELL: "well", Need.LOOK: "look", Need.ACT: "ACT"}


@click.command("doctor")
@click.option("--quiet", is_flag=True, help="Only what is not well.")
@with_appcontext
def group(quiet: bool) -> None:
    """Look at settings, clocks, disk, scanner, database, queue, proofs and keys. Exits 0: all well, 1: look, 2: act."""
    found = examine()
    for one in sorted(found, key=lambda one: -one.need):
        if one.need or not quiet:
            click.echo(f"{MARKS[one.need]:5}{one.about}: {one.found}")
        if one.do:
            click.echo(f"      → {one.do}")
    if worst := max(one.need for one in found):
        raise click.exceptions.Exit(int(worst))


def examine() -> list[Finding]:
    """All of it, on one connection that only reads."""
    session, settings = reader(), current_app.extensions["settings"]
    return [finding for look in ALL for finding in look(session, settings)]
