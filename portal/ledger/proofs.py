"""What became of each proof of the books and of the audit: kept, so that staff see when it was last proved and by whom,
and so that what was found stands as findings until a later proof finds it no more."""
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ARRAY, CheckConstraint, ColumnElement, Index, Text, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal import notices
from portal.core import page_events
from portal.core.columns import LongText, Minor, Serial
from portal.core.db import Base
from portal.ledger.findings import Finding, any_stands, subject_of
from portal.ledger.verify import SHOWN_MAX, Report, Result, Scope

KEPT_MAX = 50  # differences kept of one proof; one is enough for alarm
PAGE = 20
WHOLE_EVERY = timedelta(hours=23)  # once a day, by a job that looks each hour
OF_THE_BOOKS: tuple[Scope, ...] = ("full", "changed")
WHOLE = "prove_whole_ledger"  # the kind of job
AUDIT_JOB = "prove_audit"
AUDIT = "every row of the audit is as it was sealed"  # the check of `audit verify`
log = structlog.get_logger("ledger")


class LedgerProof(Base):
    """One run of `ledger verify` or `audit verify`, whoever asked for it. Read newest first, by id.

    `scope`: everything (`full`), what changed since the proof before (`changed`), or the audit's seals (`audit`).
    """

    __tablename__ = "ledger_proofs"
    __table_args__ = (
        CheckConstraint("scope IN ('full', 'changed', 'audit')", name="scope"),
        Index("ix_ledger_proofs_scope", "scope", "id"),  # the last of each
    )
    id: Mapped[Serial]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    checks: Mapped[int]
    examined: Mapped[Minor]
    differences: Mapped[list[str]] = mapped_column(ARRAY(Text))
    by: Mapped[LongText]  # upkeep, or who ran the command
    scope: Mapped[LongText]

    @property
    def holds(self) -> bool:
        return not self.differences

    @property
    def took_s(self) -> int:
        return round((self.ended_at - self.began_at).total_seconds())


def keep(session: Session, report: Report, *, began_at: datetime, ended_at: datetime, by: str) -> LedgerProof:
    """Write down what a proof found; alerts when anything differs.

    What differs stands as a finding from now on, and what a whole look at the same check did not find again is settled.
    """
    proof = LedgerProof(began_at=began_at, ended_at=ended_at, checks=len(report.results), by=by, scope=report.scope,
                        examined=sum(result.examined for result in report.results),
                        differences=report.differences[:KEPT_MAX])
    session.add(proof)
    session.flush()
    for result in report.results:
        _find(session, proof, result)
    if report.scope == "full":
        _settle(session, proof, Finding.check_name.not_in([*(result.name for result in report.results), AUDIT]))
    if not report.holds:
        log.error("ledger_differs", differences=report.differences[:KEPT_MAX])
        first = next(difference for result in report.results for difference in result.differences)
        notices.notify(session, "books.differ", notices.STAFF, difference=first,
                       once=f"{ended_at:%Y%m%d%H}:{subject_of(first)}")
    page_events.tell(session, "desk", ())
    return proof


def _find(session: Session, proof: LedgerProof, result: Result) -> None:
    told = {subject_of(difference): difference for difference in result.differences}
    if told:
        made = insert(Finding).values([
            {"check_name": result.name, "subject": subject, "difference": difference, "found_at": proof.ended_at,
             "found_in": proof.id, "found_again_at": proof.ended_at} for subject, difference in told.items()])
        session.execute(made.on_conflict_do_update(
            index_elements=["check_name", "subject"], index_where=Finding.settled_at.is_(None),
            set_={"difference": made.excluded.difference, "found_again_at": made.excluded.found_again_at}))
    if result.whole and len(result.differences) < SHOWN_MAX:
        _settle(session, proof, Finding.check_name == result.name, Finding.subject.not_in(told))


def _settle(session: Session, proof: LedgerProof, *which: ColumnElement[bool]) -> None:
    session.execute(update(Finding).where(Finding.settled_at.is_(None), *which)
                    .values(settled_at=proof.ended_at, settled_in=proof.id))


def last(session: Session, *scopes: Scope) -> LedgerProof | None:
    """The newest of these sorts; of the books, whole or not, when none is named."""
    return session.scalar(select(LedgerProof).where(LedgerProof.scope.in_(scopes or OF_THE_BOOKS))
                          .order_by(LedgerProof.id.desc()).limit(1))


def mark(session: Session) -> datetime | None:
    """Since when the books have not been proved: where the next proof of what has changed begins. None: never were."""
    before = last(session)
    return None if before is None else before.began_at


def whole_is_due(session: Session, now: datetime) -> bool:
    """Once a day; and as long as a finding stands, since only a whole look settles it."""
    whole = last(session, "full")
    return whole is None or now - whole.began_at >= WHOLE_EVERY or any_stands(session)


def newest(session: Session, *, limit: int = PAGE) -> Sequence[LedgerProof]:
    return session.scalars(select(LedgerProof).order_by(LedgerProof.id.desc()).limit(limit)).all()
