"""SQLAlchemy's mapped attributes, each made without the column that only a statement which names it needs.

Whether an attribute has events of its own SQLAlchemy asks with `hasattr`; an attribute that lacks something makes its
column as statements use it, and looks there. So the question alone makes a column of 2.7 KB for each of our 1,200
attributes: 3 MB of every process, most of them never used. Here the slot is asked, past that; a statement makes the
column as ever. `tests/core/test_mapped_attributes.py` says when SQLAlchemy no longer needs it.
"""
from typing import Any

from sqlalchemy.event.base import slots_dispatcher
from sqlalchemy.orm import QueryableAttribute

_ATTRIBUTE: Any = QueryableAttribute
_EVENTS: Any = _ATTRIBUTE.__dict__["_slots_dispatch"]
_AS_IT_WAS: Any = _ATTRIBUTE.__dict__["dispatch"]


class Dispatcher(slots_dispatcher[Any]):
    """As the one it stands in for, but for the way in which it asks."""

    def __get__(self, attribute: Any, cls: Any) -> Any:
        if attribute is None:
            return self.dispatch
        try:
            return _EVENTS.__get__(attribute, cls)
        except AttributeError:
            attribute._slots_dispatch = made = self.dispatch._for_instance(attribute)
            return made


def spare_columns() -> None:
    """Called before anything is mapped."""
    _ATTRIBUTE.dispatch = Dispatcher(_AS_IT_WAS.events)
