"""An order as a row outside a session: its columns are written in the model and read from it here, once.

Taking in, matching and settling pass orders through one statement each, fifty at a time. As objects of a session they
would cost more than all the rest, in reading, in noting each change and in writing one by one. The lists of columns
that those statements need are composed when this is imported; their text never changes afterwards.
"""
from collections.abc import Iterable
from dataclasses import field, make_dataclass
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Column, Dialect, Table
from sqlalchemy.dialects import postgresql

from portal.core.clock import rfc3339
from portal.orders.facts import OrderFacts
from portal.orders.models import Order

_TABLE = cast(Table, Order.__table__)
_COLUMNS: list[Column[Any]] = list(_TABLE.columns)
_DIALECT: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
TYPES = {column.name: column.type.compile(dialect=_DIALECT) for column in _COLUMNS}
"""SQL type by column, in the table's order."""
MOVING = tuple(column.name for column in _COLUMNS if column.info.get("moves"))
FROZEN = tuple(name for name in TYPES if name not in MOVING)
CREATED = tuple(column.name for column in _COLUMNS if column.name in FROZEN or not column.nullable)
"""What is written at creation; what else there is comes with a step."""
WIDTH = len(TYPES)


if TYPE_CHECKING:
    class OrderRow(OrderFacts):
        """A new or a locked order; names and units are those of the columns (see models.OrderFacts)."""

        def __init__(self, *values: Any, **named: Any) -> None: ...
else:
    _FIGURES = {name: value for name, value in vars(OrderFacts).items() if isinstance(value, property)}

    def _default(column: Column[Any]) -> Any:
        default = column.default.arg if column.default is not None and column.default.is_scalar else None
        return str(default) if isinstance(default, str) else default  # no enum: seven times as slow in JSON

    OrderRow = make_dataclass(
        "OrderRow", [(column.name, Any, field(default=_default(column))) for column in _COLUMNS], slots=True,
        namespace={"__doc__": "A new or a locked order (see above)."} | _FIGURES)


def selected(alias: str, names: Iterable[str] = TYPES) -> str:
    """The columns of a SELECT whose rows begin with an order: `OrderRow(*row[:WIDTH])`; of some of them, by name."""
    return ", ".join(f"host({alias}.{name})" if TYPES[name] == "INET" else f"{alias}.{name}" for name in names)


def recordset(names: tuple[str, ...]) -> str:
    """Those columns as `json_to_recordset` declares them."""
    return ", ".join(f"{name} {TYPES[name]}" for name in names)


def values(order: OrderRow, names: tuple[str, ...]) -> dict[str, Any]:
    """For one of the set's JSON."""
    return {name: getattr(order, name) for name in names}


def as_created(order: OrderFacts) -> OrderRow:
    """The order as it was at its creation, from columns that never change."""
    return OrderRow(**{name: getattr(order, name) for name in FROZEN}, amount_to_pay_minor=order.amount_minor,
                    match_by=order.match_by, steps=[[f"{order.direction}.new", rfc3339(order.created_at) or ""]])


def as_order(order: OrderRow) -> Order:
    """In no session."""
    return Order(**{name: getattr(order, name) for name in TYPES})


# For `events.statement`: the orders as they have become, one step each. Status and version are the event's.
STEPPED = tuple(name for name in MOVING if name not in ("status", "version"))
STEPPED_COLUMNS = ", " + recordset(STEPPED)
STEPPED_UPDATE = f""", moved AS (
        UPDATE orders o SET status = g.to_status, version = g.version, {", ".join(f"{n} = g.{n}" for n in STEPPED)}
          FROM given g WHERE o.id = g.order_id AND o.id = ANY (%(orders)s)
    )"""
