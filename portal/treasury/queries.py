"""Lists of money in and out, for owners and staff, and what they come to."""
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, literal, select
from sqlalchemy.orm import Session, joinedload

from portal.core import clock, ids
from portal.core.access import Actor
from portal.core.money import Money
from portal.core.paging import Page, newest_ids_first
from portal.parties.models import Store, Trader
from portal.treasury.models import DEPOSIT, WITHDRAWAL, Deposit, Withdrawal, WithdrawalAddress
from portal.treasury.owners import Owner, belongs, kind_of

PAGE = 50
Names = dict[tuple[str, UUID], str]


def deposits(session: Session, actor: Actor, *, statuses: Collection[str] = (), owner: Owner | None = None,
             cursor: str | None = None) -> Page[Deposit]:
    """Newest first. Raises Invalid for a wrong cursor."""
    return newest_ids_first(session, _rows(actor, Deposit, statuses, owner), Deposit.id, cursor=cursor, limit=PAGE)


def withdrawals(session: Session, actor: Actor, *, statuses: Collection[str] = (), owner: Owner | None = None,
                cursor: str | None = None) -> Page[Withdrawal]:
    """Newest first, each with its address. Raises Invalid for a wrong cursor."""
    rows = _rows(actor, Withdrawal, statuses, owner).options(joinedload(Withdrawal.address))
    return newest_ids_first(session, rows, Withdrawal.id, cursor=cursor, limit=PAGE)


def addresses(session: Session, actor: Actor, *, statuses: Collection[str] = (),
              cursor: str | None = None) -> Page[WithdrawalAddress]:
    """Newest first. Raises Invalid for a wrong cursor."""
    return newest_ids_first(session, _rows(actor, WithdrawalAddress, statuses, None), WithdrawalAddress.id,
                            cursor=cursor, limit=PAGE)


def totals(session: Session, actor: Actor, kind: type[Deposit | Withdrawal | WithdrawalAddress],
           statuses: Collection[str], *, today: bool = False) -> list[tuple[Money, int]]:
    """What these come to, and how many they are, by currency; addresses come to nothing. `today`: that ended today."""
    if not issubclass(kind, Deposit | Withdrawal):
        return []
    rows = _rows(actor, kind, statuses, None)
    if today:
        rows = rows.where(kind.ended_at >= clock.midnight_before(clock.today()))
    seen = rows.with_only_columns(
        kind.currency, func.sum(kind.amount_minor), func.count()).group_by(kind.currency).order_by(kind.currency)
    return [(Money(int(minor), currency), count) for currency, minor, count in session.execute(seen)]


def count(session: Session, actor: Actor, kind: type[Deposit | Withdrawal | WithdrawalAddress],
          statuses: Collection[str]) -> int:
    seen = _rows(actor, kind, statuses, None).with_only_columns(kind.id).subquery()
    return session.scalar(select(func.count()).select_from(seen)) or 0


def behind(session: Session, references: Collection[UUID]) -> dict[UUID, tuple[str, str]]:
    """What entries of the journal are about: by reference, ("deposit" or "withdrawal", public id). One query."""
    rows = session.execute(
        select(Withdrawal.id, literal("withdrawal"), Withdrawal.id).where(Withdrawal.id.in_(references)).union_all(
            select(Deposit.approval_id, literal("deposit"), Deposit.id).where(Deposit.approval_id.in_(references))))
    return {reference: (noun, ids.public(WITHDRAWAL if noun == "withdrawal" else DEPOSIT, id))
            for reference, noun, id in rows}


def names(session: Session, rows: Iterable[Any]) -> Names:
    """The owners' names, for a page of rows: two queries."""
    wanted: dict[str, set[UUID]] = {"store": set(), "trader": set()}
    for row in rows:
        wanted[row.owner_kind].add(row.owner_id)
    found: Names = {}
    for kind, model in (("store", Store), ("trader", Trader)):
        if wanted[kind]:
            found |= {(kind, id): name for id, name in session.execute(
                select(model.id, model.name).where(model.id.in_(wanted[kind])))}
    return found


def _rows(actor: Actor, kind: Any, statuses: Collection[str], owner: Owner | None) -> Select[Any]:
    rows = select(kind).where(belongs(actor, kind.owner_kind, kind.owner_id))
    if statuses:
        rows = rows.where(kind.status.in_(statuses))
    if owner is not None:
        rows = rows.where(kind.owner_kind == kind_of(owner), kind.owner_id == owner.id)
    return rows
