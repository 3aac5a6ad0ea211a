"""Whose calls may be seen by whom; a store's in one mode, newest first, narrowed by what the page asks.

Always of one store and one mode: so that the newest stand at the end of one index. Refusals have an index of their
own; whatever else narrows the list is looked for among the newest LOOK_BACK calls of that store.
"""
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, select, true, tuple_
from sqlalchemy.orm import Session, aliased

from portal.calls.models import SEARCH_MAX, LoggedCall
from portal.core import clock, ids, retention
from portal.core.access import Actor, Permission, Role
from portal.core.errors import FieldError, Invalid, NotFound
from portal.core.paging import Page, cursor_of, newest_first, place_of
from portal.parties.models import Store

PAGE = 25
LOOK_BACK = 20_000
STATUSES = {"ok": (0, 400), "refused": (400, 600), "4xx": (400, 500), "5xx": (500, 600)}
METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE")
ORDERS = ("pin", "pout")


@dataclass(frozen=True)
class CallFilters:
    """What the address asks for; empty means all."""

    store: str = ""
    mode: str = ""
    status: str = ""
    method: str = ""
    path: str = ""
    q: str = ""

    @classmethod
    def of(cls, sent: Mapping[str, str]) -> Self:
        """Raises Invalid: an unknown value is said, never clamped."""
        asked = {name: sent.get(name, "").strip() for name in ("store", "mode", "status", "method", "path", "q")}
        known: dict[str, Sequence[str]] = {"mode": ("live", "test"), "status": [*STATUSES], "method": METHODS}
        wrong = [FieldError(f"/{name}", f"unknown_{name}", "There is no such choice.")
                 for name, choices in known.items() if asked[name] and asked[name] not in choices]
        wrong += [FieldError(f"/{name}", "too_long", "This is too long.")
                  for name in ("path", "q") if len(asked[name]) > SEARCH_MAX or "\0" in asked[name]]
        if wrong:
            raise Invalid("Please correct the filters.", fields=wrong)
        return cls(**asked)

    @property
    def narrowed(self) -> bool:
        return bool(self.status or self.method or self.path or self.q)


def visible_to(actor: Actor) -> Select[LoggedCall]:
    """Of the days that are kept."""
    return select(LoggedCall).where(_theirs(actor), LoggedCall.created_at > _since())


def _theirs(actor: Actor) -> ColumnElement[bool]:
    if actor.is_system:
        return true()
    if actor.is_staff:
        return true() if actor.may(Permission.KEY_READ) else false()
    if actor.role is Role.MERCHANT and actor.may(Permission.KEY_READ):
        return LoggedCall.store_id.in_(select(Store.id).where(Store.merchant_id == actor.merchant_id))
    return false()


def one(session: Session, actor: Actor, request_id: str) -> LoggedCall:
    """Raises NotFound."""
    found = session.scalars(visible_to(actor).where(LoggedCall.id == ids.parse("req", request_id))).first()
    if found is None:
        raise NotFound()
    return found


def page(session: Session, actor: Actor, store_id: UUID, filters: CallFilters, *, cursor: str | None
         ) -> Page[LoggedCall]:
    """The calls of a store in one mode, newest first. Raises Invalid for a wrong cursor."""
    rows = visible_to(actor).where(LoggedCall.store_id == store_id, LoggedCall.live == (filters.mode != "test"))
    if filters.q:
        return newest_first(session, _searched(rows, store_id, filters.q), LoggedCall.created_at, LoggedCall.id,
                            cursor=cursor, limit=PAGE)
    if filters.status in ("refused", "4xx", "5xx"):
        rows = rows.where(LoggedCall.status >= 400)
    if not (filters.status or filters.method or filters.path):
        return newest_first(session, rows, LoggedCall.created_at, LoggedCall.id, cursor=cursor, limit=PAGE)
    return _looked_back(session, rows, filters, cursor)


def _searched(rows: Select[LoggedCall], store_id: UUID, asked: str) -> Select[LoggedCall]:
    """By request id, by an order's id, or by the store's own id of one."""
    for prefix, column in (("req", LoggedCall.id), *((prefix, LoggedCall.order_id) for prefix in ORDERS)):
        try:
            return rows.where(column == ids.parse(prefix, asked))
        except NotFound:
            continue
    return rows.where(LoggedCall.external_id == asked)


def _looked_back(session: Session, rows: Select[LoggedCall], filters: CallFilters, cursor: str | None
                 ) -> Page[LoggedCall]:
    """What fits among the newest LOOK_BACK of these rows: a page may hold fewer than it could, and still lead on."""
    if cursor is not None:
        rows = rows.where(tuple_(LoggedCall.created_at, LoggedCall.id) < place_of(cursor, UUID))
    newest: Any = rows.with_only_columns(LoggedCall.id, LoggedCall.created_at).order_by(
        LoggedCall.created_at.desc(), LoggedCall.id.desc())
    recent = newest.limit(LOOK_BACK).subquery()
    # OFFSET 0 keeps the planner from joining all of them: one by one, and no further than the page
    fitting = select(LoggedCall).where(LoggedCall.id == recent.c.id, LoggedCall.created_at == recent.c.created_at,
                                       *_wanted(filters))
    call = aliased(LoggedCall, fitting.offset(0).lateral())
    found = session.scalars(select(call).select_from(recent).join(call, true()).order_by(
        recent.c.created_at.desc(), recent.c.id.desc()).limit(PAGE + 1)).all()
    if len(found) > PAGE:
        return Page(found[:PAGE], cursor_of(found[PAGE - 1].created_at, found[PAGE - 1].id))
    end = session.execute(newest.offset(LOOK_BACK - 1).limit(1)).first()
    return Page(found, cursor_of(end.created_at, end.id) if end else None)


def _wanted(filters: CallFilters) -> Iterator[ColumnElement[bool]]:
    if filters.status:
        low, high = STATUSES[filters.status]
        yield LoggedCall.status >= low
        yield LoggedCall.status < high
    if filters.method:
        yield LoggedCall.method == filters.method
    if filters.path:
        yield LoggedCall.path.icontains(filters.path, autoescape=True)


def _since() -> datetime:
    return clock.now() - timedelta(days=retention.days("calls"))
