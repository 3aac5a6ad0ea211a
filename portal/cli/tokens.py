"""`flask tokens keys|rotate|withdraw`: the keys that access tokens are signed with (docs/operators-handbook.md)."""
import click
from flask.cli import AppGroup

from portal.core import clock
from portal.core.access import SYSTEM
from portal.core.db import reader, transaction
from portal.parties import token_keys

group = AppGroup("tokens", help="The keys that access tokens are signed with.")


@group.command("keys")
def keys() -> None:
    """Every key that counts, the newest first, and since when it signs. They change by themselves each month."""
    for key in token_keys.standing(reader()):
        click.echo(f"{key.kid}  signs from {clock.rfc3339(key.signs_at)}")


@group.command("rotate")
def rotate() -> None:
    """A new key signs from now on; tokens of the old one count until they end, within a quarter of an hour."""
    with transaction() as session:
        kid = token_keys.rotate(session, SYSTEM).kid
    click.echo(f"{kid} signs now")


@group.command("withdraw")
@click.option("--yes", is_flag=True, help="Every token that was given out is refused from then on.")
def withdraw(yes: bool) -> None:
    """A key has leaked: refuse every token given out so far, and sign with a new key. Stores ask for new tokens."""
    if not yes:
        raise click.ClickException("every access token is refused within a second: say --yes")
    with transaction() as session:
        kid = token_keys.withdraw_all(session, SYSTEM).kid
    click.echo(f"{kid} signs now; no other key counts")
