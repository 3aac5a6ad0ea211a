"""A file is taken in and judged, asked for by one person and made by another's word; until then nothing is changed."""
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import approvals
from portal.approvals import Approval, StaleApproval
from portal.approvals import kinds as approval_kinds
from portal.core import audit, clock, crypto, ids
from portal.core.access import Actor, Permission
from portal.core.commands import Command
from portal.core.db import locked_one
from portal.core.errors import Denied, FieldError, Invalid, NotFound, Rejected
from portal.core.money import Money
from portal.core.paging import Page, newest_ids_first
from portal.imports import apply, formats, row_checks
from portal.imports.models import PREFIX, Import
from portal.ledger import Draft

KIND, PAGE, FILE_MAX = "import", 25, 512 * 1024
BALANCES = "balances"  # the one sheet that moves money


class RowsWrong(Rejected):
    """Some rows are wrong: mend them in the file and take it in again."""

    code = "rows_wrong"


class AskImport(Command):
    import_id: str
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]


@dataclass(frozen=True)
class Checked:
    """What was taken in, and its rows as they stand now; none once it is applied."""

    taken: Import
    rows: list[row_checks.Row]

    @property
    def wrong(self) -> int:
        return sum(1 for row in self.rows if row.wrong)


def take_in(session: Session, actor: Actor, *, sheet: str, content: bytes, file_name: str) -> Import:
    """Keep a file, sealed, to be looked at. Raises Denied, Invalid (no such sheet; what `sheets.parse` refuses)."""
    _check(actor)
    if sheet not in formats.SHEETS:
        raise Invalid(fields=[FieldError("/sheet", "unknown_sheet", "There is no such choice.")])
    if not content or len(content) > FILE_MAX:
        raise Invalid(fields=[FieldError("/file", "no_file", "Choose a CSV or XLSX file of at most 500 KB.")])
    rows = formats.parse(sheet, content)
    taken = Import(id=ids.new_id(), sheet=sheet, file_name=file_name[:120] or "file.csv", rows=len(rows), sums={},
                   created_by=actor.id, created_name=actor.name)
    taken.content_sealed = crypto.seal(formats.as_text(sheet, content), place=_place(taken.id))
    session.add(taken)
    session.flush()
    audit.record(session, actor, "import.taken_in", "import", taken.id, after={
        "sheet": sheet, "file": taken.file_name, "rows": taken.rows})
    return taken


def page(session: Session, actor: Actor, *, cursor: str | None = None) -> Page[Import]:
    """Newest first. Raises Denied."""
    _check(actor)
    return newest_ids_first(session, select(Import), Import.id, cursor=cursor, limit=PAGE)


def checked(session: Session, actor: Actor, import_id: str) -> Checked:
    """With each row judged by the records of now. Raises Denied, NotFound."""
    _check(actor)
    taken = session.get(Import, ids.parse(PREFIX, import_id), populate_existing=True)
    if taken is None:
        raise NotFound()
    return Checked(taken, _judged(session, taken))


def ask(session: Session, actor: Actor, command: AskImport) -> Approval:
    """Put a file whose rows are all right before a second person. Raises Denied, NotFound, RowsWrong, AlreadyAsked."""
    _check(actor)
    taken = _locked(session, ids.parse(PREFIX, command.import_id))
    if taken.sheet == BALANCES and not (actor.is_system or actor.may(Permission.DEPOSIT_REQUEST)):
        raise Denied()
    rows = _judged(session, taken)
    if not rows or any(row.wrong for row in rows):
        raise RowsWrong()
    taken.sums = _sums(rows)
    asked = approvals.ask_once(session, actor, kind=KIND, target_kind="import", target_id=taken.id, before={},
                               after={"sheet": taken.sheet, "name": taken.file_name, "rows": taken.rows}
                               | _sum(rows), reason=command.reason)
    taken.state = "asked"
    return asked


def approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees: every row is made, or none where one no longer fits. Raises StaleApproval."""
    taken = _locked(session, UUID(approval.target_id))
    rows = _judged(session, taken)
    if taken.state != "asked" or not rows or any(row.wrong for row in rows) or _sums(rows) != taken.sums:
        raise StaleApproval()
    apply.make(session, actor, taken, rows)
    taken.state, taken.applied_at, taken.content_sealed = "applied", clock.now(), None
    session.flush()
    audit.record(session, actor, "import.applied", "import", taken.id, reason=approval.reason, after={
        "sheet": taken.sheet, "rows": taken.rows})


def rejected(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person refuses: it may be asked for again."""
    taken = _locked(session, UUID(approval.target_id))
    if taken.state == "asked":
        taken.state = "checked"


def drafts(session: Session, approval: Approval) -> list[Draft]:
    """What approving it would post: opening balances, by the records of now; nothing of another file, or of one that no
    longer fits."""
    taken = session.get_one(Import, UUID(approval.target_id))
    rows = _judged(session, taken) if taken.sheet == BALANCES else []
    if not rows or any(row.wrong for row in rows):
        return []
    return [apply.opening(taken, rows)]


def shares(session: Session, approval: Approval) -> dict[str, int]:
    """Opening balances by owner, in minor units of the one currency of a file: limits count what each owner gets."""
    owned: dict[str, int] = {}
    for line in (line for draft in drafts(session, approval) for line in draft.lines):
        subject = f"{line.credit.owner_kind}:{line.credit.owner_id}"
        owned[subject] = owned.get(subject, 0) + line.amount.minor
    return owned


def _judged(session: Session, taken: Import) -> list[row_checks.Row]:
    if taken.content_sealed is None:
        return []
    text = crypto.open_sealed(taken.content_sealed, place=_place(taken.id))
    return row_checks.judge(session, taken.sheet, formats.parse(taken.sheet, text.encode()))


def _sums(rows: list[row_checks.Row]) -> dict[str, int]:
    """Minor units by currency, of a file of balances."""
    sums: dict[str, int] = {}
    for row in rows:
        if amount := row.made.get("amount"):
            sums[amount.currency] = sums.get(amount.currency, 0) + amount.minor
    return sums


def _sum(rows: list[row_checks.Row]) -> dict[str, str]:
    """What a file of balances comes to, as limits of decisions read it: it is of one currency."""
    return {name: text for code, minor in _sums(rows).items()
            for name, text in (("amount", Money(minor, code).text), ("currency", code))}


def _locked(session: Session, id: UUID) -> Import:
    taken = locked_one(session, select(Import).where(Import.id == id))
    if taken is None:
        raise NotFound()
    return taken


def _place(id: UUID) -> str:
    return f"imports|content_sealed|{id}"


def _check(actor: Actor) -> None:
    if not (actor.is_system or (actor.is_staff and actor.may(Permission.PARTY_MANAGE))):
        raise Denied()


approvals.register(KIND, apply=approved, reject=rejected, title="Import", drafts=drafts,
                   shares=shares, counted_as=approval_kinds.CREDITS)
