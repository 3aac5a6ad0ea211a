"""Customers found by their names: compared in the database as the index keeps them."""
from typing import Any

from portal.core import names
from portal.orders.models import Order

BEGINNING_MIN = 3  # letters of a name or e-mail before it is looked for by its beginning


def name_of_customer() -> Any:
    """A customer's name as it is compared in the database."""
    return names.folded(Order.customer_name)


def begins(column: Any, wanted: str) -> tuple[Any, Any]:
    """By bytes, as text_pattern_ops keeps them: LIKE with a parameter would leave the index aside."""
    start = wanted.lower()
    return column.op("~>=~")(start), column.op("~<~")(start + "\U0010ffff")
