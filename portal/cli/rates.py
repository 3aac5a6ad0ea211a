"""`flask rates`: what a unit of one currency costs in another, as staff set it by hand."""
import click
from flask.cli import AppGroup

from portal.core.access import SYSTEM
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.errors import PortalError
from portal.reference import rate_board, service
from portal.reference.commands import SetRate

group = AppGroup("rates", help="Exchange rates.")


@group.command("list")
def listed() -> None:
    """The rate that counts for each pair."""
    for line in rate_board.present(reader()):
        click.echo(f"{line.pair:16}{line.rate.normalize():f}  {line.source}  {line.at:%Y-%m-%d %H:%M}"
                   f"{'  out of date' if line.stale else ''}")


@group.command("set")
@click.argument("base")
@click.argument("quote")
@click.argument("rate")
@click.option("--reason", required=True, help="Why; the audit keeps it.")
@click.option("--force", is_flag=True, help="Accept a tenfold jump.")
def set_by_hand(base: str, quote: str, rate: str, *, reason: str, force: bool) -> None:
    """RATE units of QUOTE for one BASE, the first of a pair too: `flask rates set USDT RUB 92.5 --reason "Opening"`."""
    sent = {"base": base.upper(), "quote": quote.upper(), "rate": rate, "reason": reason, "force": force}
    try:
        with transaction() as session:
            made = service.set_rate(session, SYSTEM, bind(SetRate, sent))
            click.echo(f"{made.base}/{made.quote} is {made.rate.normalize():f}")
    except PortalError as error:
        fields = "; ".join(f"{field.field.strip('/')}: {field.message}" for field in getattr(error, "fields", ()))
        raise click.ClickException(fields or str(type(error).__doc__)) from None
