"""`flask crypto keys|rotate|may-drop`: the master keys, changed without stopping (docs/operators-handbook.md, Keys)."""
import click
from flask.cli import AppGroup

from portal.core import crypto, resealing
from portal.core.db import reader, retried, transaction

group = AppGroup("crypto", help="The master keys and what they seal.")


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
        return resealing.make_anew(session, column, after=after, limit=limit)  # type: ignore[arg-type]
