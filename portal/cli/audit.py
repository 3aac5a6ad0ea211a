"""`flask audit verify`: no row of the audit was changed, removed or put in; `audit seal export`: a seal to keep."""
import json
from typing import IO

import click
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from portal.core import audit, clock, seal_check, seals
from portal.core.db import db, reader, transaction
from portal.core.seal_check import Checked, Kept
from portal.ledger import proofs
from portal.ledger.verify import Report, Result

group = AppGroup("audit", help="The audit trail and its seals.")
seal_group = AppGroup("seal", help="The seals of the audit trail.")
group.add_command(seal_group)
SHOWN_MAX = 50


@group.command("verify")
@click.option("--against", type=click.File("r"), help="A seal that was kept elsewhere (`audit seal export`).")
def verify(against: IO[str] | None) -> None:
    """Check every seal and every sealed row of audit and orders' steps, on the running desk. Exits 1 if any differs."""
    kept, began_at = _kept(against) if against else None, clock.now()
    with Session(db.engine) as snapshot:
        found = seal_check.check(snapshot, against=kept)
    with transaction() as session:
        wrong = list(found.wrong) if audit.append_only(session) else [
            "role application: may change rows of the audit", *found.wrong]
        report = Report([Result(proofs.AUDIT, found.rows, wrong[:SHOWN_MAX])], "audit")
        proofs.keep(session, report, began_at=began_at, ended_at=clock.now(), by="command line")
    _say(found, wrong)
    if wrong:
        raise click.exceptions.Exit(1)


@seal_group.command("export")
def export() -> None:
    """Print the newest seal, to be kept where the owner of this database cannot reach it. Exits 1 if there is none."""
    session = reader()
    last = seals.last(session)
    if last is None:
        raise click.ClickException("nothing is sealed yet")
    click.echo(json.dumps(seals.exported(session, last)))


def _kept(file: IO[str]) -> Kept:
    try:
        return Kept.of(json.load(file))
    except (ValueError, KeyError, TypeError) as error:
        raise click.ClickException(f"this is no exported seal: {error}") from error


def _say(found: Checked, wrong: list[str]) -> None:
    for sentence in wrong[:SHOWN_MAX]:
        click.echo(f"differs {sentence}")
    if len(wrong) > SHOWN_MAX:
        click.echo(f"        and {len(wrong) - SHOWN_MAX} more")
    until = f", sealed until {clock.rfc3339(found.last.sealed_at)}" if found.last else ""
    if found.archived:
        click.echo(f"archived {found.archived} rows lie in archived months: bin/flask history verify reads their files")
    click.echo(f"{found.rows} rows in {found.seals} seals{until}; {len(wrong)} differences")
