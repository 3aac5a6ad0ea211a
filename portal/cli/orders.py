"""`flask orders show ID`: one order with its steps, for whoever is on duty at night."""
import json

import click
from flask.cli import AppGroup

from portal.core.access import SYSTEM
from portal.core.db import reader
from portal.core.errors import NotFound
from portal.orders import queries

group = AppGroup("orders", help="Orders.")


@group.command("show")
@click.argument("order_id")
def show(order_id: str) -> None:
    """The order as JSON, with its assignments and steps; numbers masked."""
    try:
        click.echo(json.dumps(queries.dossier(reader(), SYSTEM, order_id), indent=2, default=str, ensure_ascii=False))
    except NotFound:
        raise click.ClickException(f"there is no order {order_id}") from None
