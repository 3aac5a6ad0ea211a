"""What a list of orders may be asked for in a query string."""
import re
from datetime import datetime
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from portal.gateway import patterns
from portal.gateway.strict_json import PageQuery

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
StatusName = Literal["new", "review", "retrying", "assigned", "paid", "confirmed", "completed", "disputed", "cancelled",
                     "expired", "failed"]
IDS_MAX = 100
STATUSES = get_args(StatusName)


def _moment(sent: object) -> datetime:
    try:
        if isinstance(sent, str) and _MOMENT.fullmatch(sent):
            return datetime.fromisoformat(sent)
    except ValueError:
        pass
    raise PydanticCustomError("invalid_time", "Write the time as 2026-11-22T10:11:12Z.")


Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
Text = Annotated[str, Field(min_length=1, max_length=255)]
Ids = Annotated[str, Field(max_length=100 * 32, pattern=r"^[a-z]{2,4}_[0-9A-Z]{26}(,[a-z]{2,4}_[0-9A-Z]{26}){0,99}$")]


def _ids_of(prefix: str) -> dict[str, object]:
    return {"type": "string", "pattern": patterns.ids_of(prefix, IDS_MAX)}


class OrderQuery(PageQuery):
    """Filters of a list of orders; `created_from` and `updated_from` are inclusive, `created_to` exclusive."""

    status: StatusName | None = None
    external_id: Text | None = None
    customer_id: Text | None = None
    created_from: Moment | None = None
    created_to: Moment | None = None
    updated_from: Moment | None = None
    ids: Ids | None = None


class PayinQuery(OrderQuery):
    ids: Annotated[Ids, WithJsonSchema(_ids_of("pin"))] | None = None


class PayoutQuery(OrderQuery):
    ids: Annotated[Ids, WithJsonSchema(_ids_of("pout"))] | None = None
