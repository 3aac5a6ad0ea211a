"""`flask orders show ID`: one order with its steps, for whoever is on duty at night."""
import json

import click
from flask.cli import AppGroup

from portal.core.access import SYSTEM
from portal.core.db import reader
from portal.core.errors import NotFound
from portal.orders.reading import detail

group = AppGroup("orders", help="Orders.")


@group.command("show")
@click.argument("order_id")
def show(order_id: str) -> None:
    """The order as JSON, with its assignments and steps; numbers masked."""
    try:
        click.echo(json.dumps(_as_json(order_id), indent=2, default=str, ensure_ascii=False))
    except NotFound:
        raise click.ClickException(f"there is no order {order_id}") from None


def _as_json(order_id: str) -> dict[str, object]:
    found = detail.open_dossier(reader(), SYSTEM, order_id)
    order = found.order
    return {
        "id": order.public_id, "status": order.status, "version": order.version, "live": order.live,
        "amount": str(order.amount), "settlement": str(order.settlement), "fee": str(order.fee),
        "created_at": order.created_at, "expires_at": order.expires_at, "failure": order.failure_code,
        "assignments": [{"id": a.public_id, "state": a.state, "requisite": a.requisite.mask, "trader": a.trader.name,
                         "hold": str(a.hold), "reward": str(a.reward)} for a in found.assignments],
        "events": [{"version": e.version, "type": e.type, "at": e.created_at, "by": e.actor_name,
                    "request": e.request_id, "reason": e.reason} for e in found.events],
    }
