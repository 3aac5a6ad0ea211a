"""Fees and rewards with their history: what counts now first, then what was, newest first."""
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.tariffs.models import Reward, Tariff

VERSIONS_MAX = 50


def fees_of(session: Session, store_id: UUID) -> Sequence[Tariff]:
    """Of a store that the caller may see."""
    return session.scalars(select(Tariff).where(Tariff.store_id == store_id).order_by(
        Tariff.retired_at.is_not(None), Tariff.created_at.desc(), Tariff.id.desc()).limit(VERSIONS_MAX)).all()


def rewards_of(session: Session, trader_id: UUID) -> Sequence[Reward]:
    """Of a trader that the caller may see."""
    return session.scalars(select(Reward).where(Reward.trader_id == trader_id).order_by(
        Reward.retired_at.is_not(None), Reward.created_at.desc(), Reward.id.desc()).limit(VERSIONS_MAX)).all()
