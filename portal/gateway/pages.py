"""How a list is answered: its rows, and the cursor that the next call of it sends."""
from typing import Any

from flask import Response

from portal.gateway.endpoint import shown


def listed(rows: list[dict[str, Any]], next_cursor: str | None) -> Response:
    return shown({"data": rows, "next_cursor": next_cursor})
