"""What became of each proof of the books: kept, so that staff see when they were last proved and by whom."""
from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import ARRAY, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core.columns import LongText, Minor, Serial
from portal.core.db import Base
from portal.ledger.verify import Report

KEPT_MAX = 50  # differences kept of one proof; one is enough for alarm
PAGE = 20
log = structlog.get_logger("ledger")


class LedgerProof(Base):
    """One run of `ledger verify`, whoever asked for it. Read newest first, by id."""

    __tablename__ = "ledger_proofs"
    id: Mapped[Serial]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    checks: Mapped[int]
    examined: Mapped[Minor]
    differences: Mapped[list[str]] = mapped_column(ARRAY(Text))
    by: Mapped[LongText]  # upkeep, or who ran the command

    @property
    def holds(self) -> bool:
        return not self.differences

    @property
    def took_s(self) -> int:
        return round((self.ended_at - self.began_at).total_seconds())


def keep(session: Session, report: Report, *, began_at: datetime, ended_at: datetime, by: str) -> LedgerProof:
    """Write down what a proof found; alerts when the books differ."""
    proof = LedgerProof(began_at=began_at, ended_at=ended_at, checks=len(report.results), by=by,
                        examined=sum(result.examined for result in report.results),
                        differences=report.differences[:KEPT_MAX])
    session.add(proof)
    if not report.holds:
        log.error("ledger_differs", differences=report.differences[:KEPT_MAX])
    return proof


def last(session: Session) -> LedgerProof | None:
    return next(iter(newest(session, limit=1)), None)


def newest(session: Session, *, limit: int = PAGE) -> Sequence[LedgerProof]:
    return session.scalars(select(LedgerProof).order_by(LedgerProof.id.desc()).limit(limit)).all()
