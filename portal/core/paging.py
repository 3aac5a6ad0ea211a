"""Keyset paging: pages of a bounded size that stay quick at any depth and never skip or repeat a row."""
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from portal.core import ids
from portal.core.errors import FieldError, Invalid, NotFound

T = TypeVar("T")
PAGE_MAX = 100
BIGINT_MAX = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"([0-9]{16})_([0-9A-Z]{1,26})", re.ASCII)


@dataclass(frozen=True)
class Page(Generic[T]):
    rows: Sequence[T]
    next_cursor: str | None


def newest_first(session: Session, rows: Select[T], at: InstrumentedAttribute[datetime],
                 id: InstrumentedAttribute[Any], *, cursor: str | None, limit: int) -> Page[T]:
    """A page ordered by (`at`, `id`) downwards, after `cursor`. Raises Invalid for a cursor that we did not make."""
    assert 0 < limit <= PAGE_MAX
    if cursor is not None:
        rows = rows.where(tuple_(at, id) < place_of(cursor, id.type.python_type))
    found = session.scalars(rows.order_by(at.desc(), id.desc()).limit(limit + 1)).all()
    page = found[:limit]
    more = len(found) > limit
    last = page[-1] if more else None
    return Page(page, cursor_of(getattr(last, at.key), getattr(last, id.key)) if last is not None else None)


def newest_ids_first(session: Session, rows: Select[T], id: InstrumentedAttribute[UUID], *, cursor: str | None,
                     limit: int) -> Page[T]:
    """A page by the id alone, whose first bits are its time: the primary key serves it. The cursor is the last id.

    Raises Invalid for a cursor that we did not make.
    """
    assert 0 < limit <= PAGE_MAX
    if cursor is not None:
        try:
            rows = rows.where(id < ids.parse("", f"_{cursor}"))
        except NotFound:
            raise Invalid(fields=[FieldError("/cursor", "invalid_cursor", "This cursor is not one of ours.")]) from None
    found = session.scalars(rows.order_by(id.desc()).limit(limit + 1)).all()
    page = found[:limit]
    return Page(page, ids.text(getattr(page[-1], id.key)) if len(found) > limit else None)


def cursor_of(at: datetime, id: object) -> str:
    """The place of a row in a list by moment and id: microseconds since 1970 in sixteen digits, then the id.

    So regular that a schema can say what a cursor is (gateway.patterns).
    """
    us = (at - _EPOCH) // timedelta(microseconds=1)
    return f"{us:016}_{ids.text(id) if isinstance(id, UUID) else id}"


def place_of(cursor: str, kind: type) -> tuple[datetime, Any]:
    """Raises Invalid for a cursor that we did not make."""
    found = _CURSOR.fullmatch(cursor)
    try:
        if found is None:
            raise ValueError(cursor)
        moment = _EPOCH + timedelta(microseconds=int(found[1]))
        if kind is UUID:
            return moment, ids.parse("", f"_{found[2]}")
        if not found[2].isdecimal() or int(found[2]) > BIGINT_MAX:
            raise ValueError(cursor)
        return moment, int(found[2])
    except (ValueError, NotFound):
        raise Invalid(fields=[FieldError("/cursor", "invalid_cursor", "This cursor is not one of ours.")]) from None
