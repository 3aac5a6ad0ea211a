"""`flask history`: months that are due go into files and out of the database, and come back when they are wanted.

As the database's owner (DATABASE_OWNER_URL). docs/runbooks.md, Old months.
"""
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from portal.core import archived_months
from portal.core.db import reader
from portal.history import archive, months, moving, needs, sealing
from portal.history.archive import ArchiveDiffers, Refused
from portal.history.months import TABLES
from portal.settings import Settings

group = AppGroup("history", help="Months of steps, audit, webhooks and done work: archived, detached, attached again.")
MIB = 1024 ** 2
FOLDER = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
MONTH = click.argument("month", type=click.DateTime(["%Y-%m"]))
TABLE = click.option("--table", "only", type=click.Choice(list(TABLES)), help="This table alone.")


@group.command("list")
@click.option("--due", "only_due", is_flag=True, help="Only what is due.")
@click.option("--needs", "with_needs", is_flag=True, help="Of what is due, what still needs it; may take minutes.")
def list_months(only_due: bool, with_needs: bool) -> None:
    """Every month in the database: its rows (about) and its size, from the catalogue."""
    session, kept = reader(), _settings().history_months
    if with_needs:  # looked for among all orders
        session.execute(text("SET LOCAL statement_timeout = 0"))
    click.echo(f"due: months before {months.due_before(kept):%Y-%m} (HISTORY_MONTHS={kept})")
    for part in months.parts(session, kept):
        if only_due and not part.due:
            continue
        state = "archived" if part.archived else "due" if part.due else "kept"
        click.echo(f"{state:<9}{part.month:%Y-%m}  {part.table:<19}{part.rows:>12} rows {part.bytes / MIB:>9.1f} MiB")
        for need in needs.of(session, part.table, part.month) if with_needs and part.due else ():
            click.echo(f"         needed by {need.what}: {need.rows}")
    for one in archived_months.detached(session):
        click.echo(f"{'away':<9}{one.month:%Y-%m}  {one.table_name:<19}{one.rows:>12} rows in their file alone")


@group.command("archive")
@MONTH
@FOLDER
@TABLE
def archive_month(month: datetime, folder: Path, only: str | None) -> None:
    """Write a due month into files and read them back; nothing is removed. Given again, what is written stays."""
    with _owner() as engine:
        for table in _tables(month.date(), only):
            made = moving.put_away(engine, folder, table, month.date(), kept=_settings().history_months)
            said = f"{made.rows} rows, sha256 {made.file_sha256[:16]}…" if made else "is written already"
            click.echo(f"archived {months.partition(table, month.date())}: {said}")


@group.command("detach")
@MONTH
@FOLDER
@TABLE
@click.confirmation_option("--yes", prompt="The rows will be in the files alone. Are they backed up?")
def detach(month: datetime, folder: Path, only: str | None) -> None:
    """Take an archived month out of the database, where nothing needs it and its files hold every row."""
    with _owner() as engine:
        for table in _tables(month.date(), only):
            made = moving.take_out(engine, folder, table, month.date(), kept=_settings().history_months)
            click.echo(f"detached {months.partition(table, month.date())}: {made.rows} rows")


@group.command("attach")
@MONTH
@FOLDER
@TABLE
def attach(month: datetime, folder: Path, only: str | None) -> None:
    """Bring a month back from its files."""
    away = [one.table_name for one in archived_months.detached(reader()) if one.month == month.date()]
    wanted = [table for table in reversed(TABLES) if table in away and only in (None, table)]
    if not wanted:
        raise click.ClickException(f"nothing of {month:%Y-%m} is away")
    with _owner() as engine:
        for table in wanted:
            made = moving.bring_back(engine, folder, table, month.date())
            click.echo(f"attached {months.partition(table, month.date())}: {made.rows} rows")


@group.command("gather")
def gather() -> None:
    """Rows that came while their month was missing go into it; the month is made. Creates wait for a moment."""
    with _owner() as engine:
        found = moving.gather(engine)
    for table, month, rows in found:
        click.echo(f"gathered {months.partition(table, month)}: {rows} rows")
    if not found:
        click.echo("no row lies outside its month")


@group.command("verify")
@FOLDER
def verify(folder: Path) -> None:
    """Read every archive that the desk has nothing else of: files, rows, seals. Exits 1 if any differs."""
    session, wrong = reader(), 0
    session.execute(text("SET idle_in_transaction_session_timeout = 0"))  # a month's file takes minutes
    away = archived_months.detached(session)
    if not away:
        click.echo("nothing is away")
    for one in away:
        name = months.partition(one.table_name, one.month)
        try:
            manifest = archive.read(folder, one.table_name, one.month)
            if manifest.sha256 != one.sha256.hex():
                raise ArchiveDiffers("is not the archive that the desk knows of")
            for sentence in sealing.differences(session, folder, manifest, one.month):
                raise ArchiveDiffers(sentence)
        except ArchiveDiffers as error:
            wrong += 1
            click.echo(f"differs {name}: {error}")
        else:
            click.echo(f"holds   {name}: {manifest.rows} rows")
    if wrong:
        raise click.exceptions.Exit(1)


@contextmanager
def _owner() -> Iterator[Engine]:
    """As the owner and alone; what is refused is said in a sentence, and this command has no transaction open."""
    reader().rollback()
    try:
        with moving.owner(_settings().owner_url) as engine:
            yield engine
    except Refused as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:  # a full disk, a folder that is not ours
        raise click.ClickException(
            f"{error}: make room or choose another folder, then give the command again") from error
    except OperationalError as error:
        raise click.ClickException(f"the database did not answer, or a lock was not to be had ({error.orig}):"
                                   " look at DATABASE_OWNER_URL, then give the command again") from error


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


def _tables(month: date, only: str | None) -> list[str]:
    """What of a month is in the database, in the order in which it leaves; so a command that was killed goes on."""
    found = [part.table for part in months.parts(reader(), _settings().history_months) if part.month == month]
    reader().rollback()
    if not (wanted := [table for table in found if only in (None, table)]):
        raise Refused(f"nothing of {month:%Y-%m} is in the database")
    return wanted
