"""Requisites as staff look through them: filters out of an address, newest first, with trader and holder."""
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from sqlalchemy.orm import Session, joinedload

from portal.core import ids
from portal.core.access import Actor
from portal.core.errors import FieldError, Invalid, NotFound
from portal.core.paging import Page, newest_ids_first
from portal.requisites.models import PREFIX, Requisite
from portal.requisites.queries import visible_to
from portal.requisites.states import Status

PAGE = 25


@dataclass(frozen=True)
class Filters:
    """Empty means all. `q`: a public id or the last four digits; `trader_id`: none for all."""

    status: str = ""
    method: str = ""
    bank: str = ""
    q: str = ""
    trader: str = ""

    @classmethod
    def of(cls, sent: Mapping[str, str]) -> Self:
        """Raises Invalid: an unknown value is said, never clamped."""
        status, trader = sent.get("status", "").strip(), sent.get("trader", "").strip()
        if status and status not in set(Status):
            raise Invalid("Please correct the filters.",
                          fields=[FieldError("/status", "unknown_status", "There is no such status.")])
        if trader:
            ids.parse("trd", trader)
        typed = {name: sent.get(name, "").replace("\0", "").strip()[:64] for name in ("method", "bank", "q")}
        return cls(status=status, trader=trader, **typed)

    @property
    def narrowed(self) -> bool:
        return bool(self.status or self.method or self.bank or self.q or self.trader)


def page(session: Session, actor: Actor, wanted: Filters, *, cursor: str | None) -> Page[Requisite]:
    """One query. Raises Invalid for a wrong cursor, NotFound for a trader that cannot be."""
    rows = visible_to(actor).where(~Requisite.robot).options(joinedload(Requisite.trader))
    for column, value in ((Requisite.status, wanted.status), (Requisite.method, wanted.method),
                          (Requisite.bank, wanted.bank)):
        if value:
            rows = rows.where(column == value)
    if wanted.trader:
        rows = rows.where(Requisite.trader_id == ids.parse("trd", wanted.trader))
    if wanted.q:
        rows = rows.where((Requisite.number_last4 == wanted.q[-4:]) | (Requisite.id == _id(wanted.q)))
    return newest_ids_first(session, rows, Requisite.id, cursor=cursor, limit=PAGE)


def _id(text: str) -> UUID | None:
    try:
        return ids.parse(PREFIX, text)
    except NotFound:
        return None
