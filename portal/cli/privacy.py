"""`flask privacy purge`: personal data that was kept long enough, as the nightly job takes it; first as a dry run."""
import click
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from portal.core import retention
from portal.core.access import SYSTEM
from portal.core.audit import record
from portal.core.db import reader, transaction
from portal.privacy import purge
from portal.privacy.purge import FIRST, Kind

group = AppGroup("privacy", help="Personal data of customers and applicants.")


@group.command("purge")
@click.option("--dry-run", is_flag=True, help="Count only.")
def purge_now(dry_run: bool) -> None:
    """Forget what RETAIN_… says, in batches; what a legal hold is on stays."""
    for kind in purge.KINDS:
        before = retention.before(kind.name)
        if before is None:
            click.echo(f"{kind.name}: kept for ever")
            continue
        if dry_run:
            click.echo(f"{kind.name}: {purge.due(reader(), kind, before)} would go,"
                       f" kept for {retention.days(kind.name)} days")
            continue
        gone, after = 0, FIRST
        while True:
            with transaction() as session:
                batch = purge.purge(session, kind, before, after=after)
                note(session, kind, batch.gone)
            gone += batch.gone
            if batch.last is None:
                break
            after = batch.last
        click.echo(f"{kind.name}: {gone} gone")


def note(session: Session, kind: Kind, gone: int) -> None:
    if gone:
        record(session, SYSTEM, "personal_data.purged", "desk", "desk", after={"kind": kind.name, "rows": gone})
