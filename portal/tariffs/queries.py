"""Fees and rewards with their history: what is to come first, then what counts, then what was."""
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, false, func, select
from sqlalchemy.orm import Session

from portal.core import clock
from portal.tariffs.models import Reward, Tariff

VERSIONS_MAX = 50


def fees_of(session: Session, store_id: UUID) -> Sequence[Tariff]:
    """Of a store that the caller may see."""
    return session.scalars(select(Tariff).where(Tariff.store_id == store_id).order_by(
        _over(Tariff), Tariff.valid_from.desc(), Tariff.id.desc()).limit(VERSIONS_MAX)).all()


def rewards_of(session: Session, trader_id: UUID) -> Sequence[Reward]:
    """Of a trader that the caller may see."""
    return session.scalars(select(Reward).where(Reward.trader_id == trader_id).order_by(
        _over(Reward), Reward.valid_from.desc(), Reward.id.desc()).limit(VERSIONS_MAX)).all()


def _over(table: type[Tariff] | type[Reward]) -> ColumnElement[bool]:
    return func.coalesce(table.retired_at <= clock.now(), false())
