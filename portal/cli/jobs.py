"""`flask jobs list|retry|drop`: the queue of record, and what to do with the dead."""
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import AppGroup

from portal.cli.users import sentence
from portal.core.access import SYSTEM
from portal.core.db import reader, transaction
from portal.core.errors import PortalError
from portal.core.jobs import admin
from portal.orders import dead_work

group = AppGroup("jobs", help="Work that waits, and work that died.")


@group.command("list")
@click.option("--dead", is_flag=True, help="Only the dead ones.")
@click.option("--limit", default=50, type=click.IntRange(1, 500))
def list_jobs(dead: bool, limit: int) -> None:
    """Newest dead first, then what is due first."""
    for job in admin.page(reader(), dead=dead, limit=limit):
        state = "dead" if job.dead_at else "leased" if job.lease else "waiting"
        click.echo(f"{job.id}\t{state}\t{job.kind}\t{job.reference or ''}\t{job.run_at.isoformat(timespec='seconds')}"
                   f"\tattempts={job.attempts} lost={job.lost}\t{(job.last_error or '').splitlines()[0:1]}")


@group.command("retry")
@click.argument("job_id", type=int)
def retry(job_id: int) -> None:
    """Have a dead job done again, now."""
    with _said(), transaction() as session:
        dead_work.retry(session, SYSTEM, job_id)
    click.echo(f"job {job_id} is due")


@group.command("drop")
@click.argument("job_id", type=int)
@click.option("--reason", required=True)
def drop(job_id: int, reason: str) -> None:
    """Give a dead job up. What it should have done stays undone."""
    with _said(), transaction() as session:
        dead_work.drop(session, SYSTEM, job_id, reason=reason)
    click.echo(f"job {job_id} is dropped")


@contextmanager
def _said() -> Iterator[None]:
    """What is refused is said, as the page says it."""
    try:
        yield
    except PortalError as error:
        raise click.ClickException(sentence(error)) from None
