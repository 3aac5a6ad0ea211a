"""Which imports of payouts one may see, with their rows; and the file that somebody sent before."""
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from portal.core import ids
from portal.core.access import Actor
from portal.core.errors import NotFound
from portal.core.paging import Page, newest_ids_first
from portal.parties.models import Store
from portal.parties.queries import stores_visible_to
from portal.payouts import rows
from portal.payouts.models import IMPORT, PayoutImport, PayoutImportRow

PAGE, ROWS_PAGE, BATCH = 25, 50, 1_000


@dataclass(frozen=True)
class ShownRow:
    """A row as its page shows it: the number masked, whatever is known of it."""

    row: PayoutImportRow
    holder: str
    given: dict[str, str]  # of a wrong row, what was typed; the number masked


def visible_to(actor: Actor) -> Select[PayoutImport]:
    """Those of one's stores."""
    return select(PayoutImport).where(
        PayoutImport.store_id.in_(stores_visible_to(actor).with_only_columns(Store.id))).options(
        joinedload(PayoutImport.store))


def page(session: Session, actor: Actor, *, cursor: str | None) -> Page[PayoutImport]:
    """Newest first."""
    return newest_ids_first(session, visible_to(actor), PayoutImport.id, cursor=cursor, limit=PAGE)


def waiting(session: Session, actor: Actor) -> Sequence[PayoutImport]:
    """What a second person is to let go, oldest first."""
    return session.scalars(visible_to(actor).where(PayoutImport.state == "waiting").order_by(PayoutImport.id)
                           .limit(PAGE)).all()


def find(session: Session, actor: Actor, import_id: str) -> PayoutImport:
    """By its public id, as it is now. Raises NotFound."""
    found = session.scalar(visible_to(actor).where(PayoutImport.id == ids.parse(IMPORT, import_id))
                           .execution_options(populate_existing=True))
    if found is None:
        raise NotFound()
    return found


def same_file(session: Session, taken: PayoutImport) -> PayoutImport | None:
    """The newest earlier import of the same content in this store."""
    return session.scalar(select(PayoutImport).where(
        PayoutImport.store_id == taken.store_id, PayoutImport.content_print == taken.content_print,
        PayoutImport.id < taken.id, PayoutImport.source == "file").order_by(PayoutImport.id.desc()).limit(1))


def rows_of(session: Session, taken: PayoutImport, *, bad: bool, after: int = 0) -> tuple[list[ShownRow], int | None]:
    """A page of its rows in the file's order, all or those with something to mend; and where the next one begins."""
    wanted = select(PayoutImportRow).where(PayoutImportRow.import_id == taken.id, PayoutImportRow.number > after)
    if bad:
        wanted = wanted.where(PayoutImportRow.state.in_(("wrong", "failed")))
    found = session.scalars(wanted.order_by(PayoutImportRow.number).limit(ROWS_PAGE + 1)).all()
    keyring, shown = rows.keyring_of(taken.store), found[:ROWS_PAGE]
    return [_shown(taken, row, keyring) for row in shown], shown[-1].number if len(found) > ROWS_PAGE else None


def bad_rows(session: Session, taken: PayoutImport) -> Iterator[tuple[PayoutImportRow, dict[str, str]]]:
    """Those with something to mend, as they were typed, number and all."""
    keyring = rows.keyring_of(taken.store)
    for row in session.scalars(select(PayoutImportRow).where(
            PayoutImportRow.import_id == taken.id, PayoutImportRow.state.in_(("wrong", "failed")))
            .order_by(PayoutImportRow.number)):
        yield row, rows.cells_of(taken, row, keyring)


def _shown(taken: PayoutImport, row: PayoutImportRow, keyring: object) -> ShownRow:
    cells = rows.cells_of(taken, row, keyring)  # type: ignore[arg-type]
    given = cells | {"number": row.mask} if row.state in ("wrong", "failed") else {}
    return ShownRow(row, cells.get("holder", ""), given)
