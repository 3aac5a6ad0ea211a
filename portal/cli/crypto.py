"""`flask crypto …`: keys changed without stopping (docs/operators-handbook.md, Keys).

`keys`, `rotate` and `may-drop` are about master keys, `prints`, `reprint` and `may-drop-prints` about fingerprint keys.
"""
from datetime import UTC, datetime, timedelta

import click
from flask.cli import AppGroup
from sqlalchemy.exc import IntegrityError

from portal.core import clock, crypto, reprinting, resealing
from portal.core.db import reader, retried, transaction
from portal.core.errors import Conflict
from portal.parties import keys_told
from portal.risk import rules
from portal.risk.facts import By

group = AppGroup("crypto", help="The keys and what they seal or print.")


@group.command("keys")
def keys() -> None:
    """How many seals each key opens, by table."""
    for one in resealing.opens(reader()):
        known = "" if one.key in crypto.key_ids() else "  NOT IN MASTER_KEYS"
        click.echo(f"{one.key:<8} {one.table}.{one.column:<24} {one.seals}{known}")
    click.echo(f"seals now: {crypto.current_key()}; opens too: {', '.join(crypto.key_ids()[1:]) or 'no other'}")


@group.command("rotate")
@click.option("--batch", default=200, show_default=True, type=click.IntRange(1, 5000), help="Rows locked at once.")
def rotate(batch: int) -> None:
    """Make every seal of an older key anew with the current one, while the desk runs. Killed, it is begun again."""
    for column in resealing.MADE_ANEW:
        todo, done, after = resealing.waiting(reader(), column), 0, resealing.FIRST
        while True:
            made = retried(lambda after=after, column=column: _batch(column, after, batch))  # type: ignore[misc]
            done += made.made
            if made.made:
                click.echo(f"{column.table}.{column.column} {done} of {todo}")
            if made.last is None:
                break
            after = made.last
    click.echo(f"all seals are {crypto.current_key()}'s, but for answers that are kept for 75 hours at most")


@group.command("may-drop")
@click.argument("key")
def may_drop(key: str) -> None:
    """Whether a key opens nothing any more, so that it may leave MASTER_KEYS. Exits 1 while it does."""
    if key == crypto.current_key():
        raise click.ClickException(f"{key} is the key that seals: put another one before it first")
    still = [one for one in resealing.opens(reader()) if one.key == key]
    for one in still:
        click.echo(f"{one.table}.{one.column}: {one.seals}")
    if still:
        raise click.ClickException(f"{key} still opens {sum(one.seals for one in still)} seals: keep it")
    click.echo(f"{key} opens nothing any more")


def _batch(column: resealing.Column, after: object, limit: int) -> resealing.Batch:
    with transaction() as session:
        made = resealing.make_anew(session, column, after=after, limit=limit)  # type: ignore[arg-type]
        if made.made and column.table in resealing.REMEMBERED:
            keys_told.tell(session)
        return made


@group.command("prints")
def prints() -> None:
    """How many fingerprints each key made, by table. A key is known by its tag."""
    tags = [tag.hex() for tag in crypto.print_tags()]
    for one in reprinting.made_by_each(reader()):
        known = "" if one.tag in tags else "  NOT IN FINGERPRINT_KEY"
        click.echo(f"{one.tag} {one.table}.{one.column:<24} {one.prints}{known}")
    click.echo(f"makes now: {tags[0]}; looked up too: {', '.join(tags[1:]) or 'no other'}")


@group.command("reprint")
@click.option("--batch", default=200, show_default=True, type=click.IntRange(1, 5000), help="Rows locked at once.")
def reprint(batch: int) -> None:
    """Make every print of an older key anew with the current one, while the desk runs. Killed, it is begun again."""
    for kind in reprinting.kinds():
        todo, done, after = reprinting.waiting(reader(), kind), 0, reprinting.FIRST
        while True:
            try:
                made = retried(lambda after=after, kind=kind: _prints_batch(kind, after, batch))  # type: ignore[misc]
            except (IntegrityError, Conflict) as error:
                raise click.ClickException(f"{kind.table}.{kind.column}: two rows are of one text, beyond row {after}:"
                                           " archive one of them, then begin again") from error
            done += made.made
            if made.made:
                click.echo(f"{kind.table}.{kind.column} {done} of {todo}")
            if made.last is None:
                break
            after = made.last
    click.echo(f"all prints are {crypto.print_tags()[0].hex()}'s, but for those of texts that the desk does not keep")


@group.command("may-drop-prints")
@click.argument("tag")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="The day on which another key came first (UTC); asked "
              "for where a rule of risk counts by recipients' numbers.")
def may_drop_prints(tag: str, since: datetime | None) -> None:
    """Whether no print of a key is looked up any more, so that it may leave FINGERPRINT_KEY. Exits 1 while one is.

    A rule of risk finds what it counted by an old key only while that is known: for its longest window.
    """
    if tag == crypto.print_tags()[0].hex():
        raise click.ClickException(f"{tag} is the key that makes prints: put another one before it first")
    still = [one for one in reprinting.made_by_each(reader()) if one.tag == tag]
    gone = {one.table: one.gone for one in reprinting.PASSING}
    for one in still:
        until = f", gone {gone[one.table]}" if one.table in gone else ""
        click.echo(f"{one.table}.{one.column}: {one.prints}{until}")
    if still:
        raise click.ClickException(f"{tag} made {sum(one.prints for one in still)} prints that are looked up: keep it")
    if window := rules.longest_window(reader(), By.DESTINATION):
        if since is None:
            raise click.ClickException(f"a rule counts by recipients' numbers over {window}: say with --since on which "
                                       "day another key came first")
        if (free := since.replace(tzinfo=UTC) + timedelta(days=1) + window) > clock.now():
            raise click.ClickException(f"a rule counts by recipients' numbers over {window}: keep it until "
                                       f"{free:%Y-%m-%d %H:%M} UTC")
    click.echo(f"{tag} is looked up by nothing any more")


@group.command("check")
@click.option("--batch", default=1000, show_default=True, type=click.IntRange(1, 5000), help="Rows read at once.")
def check(batch: int) -> None:
    """Open everything with the keys there are: every seal, every number behind a print. Exits 1 where one is shut."""
    wrong = 0
    for of, look in [*((of, resealing.shut) for of in resealing.MADE_ANEW),
                     *((of, reprinting.strange) for of in reprinting.kinds())]:
        after: object = resealing.FIRST
        while after is not None:
            after, found = look(reader(), of, after=after, limit=batch)  # type: ignore[operator]
            wrong += len(found)
            for id in found:
                click.echo(f"{of.table}.{of.column} {id}: does not open, or is not what it was")  # type: ignore[attr-defined]
    if wrong:
        raise click.ClickException(f"{wrong} values do not open")
    click.echo("everything opens")


def _prints_batch(kind: reprinting.Printed, after: object, limit: int) -> reprinting.Batch:
    with transaction() as session:
        return reprinting.make_anew(session, kind, after=after, limit=limit)  # type: ignore[arg-type]
