"""Lists as files: CSV for programs, XLSX for people who add things up. Both hold exactly what the list shows.

Rows come in bounded batches and leave as they come, so a million of them need no more memory than a thousand. A file
is made for one reader and kept nowhere; what it may hold was decided by the query that gives the rows.
"""
import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from flask import Flask, Response, current_app
from sqlalchemy.orm import Session

from portal.core import clock, names
from portal.core.db import reader
from portal.core.errors import Rejected
from portal.core.money import Money
from portal.web.export_turns import Turn
from portal.web.identity import current_actor
from portal.web.locale import time_zone
from portal.web.workbook_cells import Look

T = TypeVar("T")
P = TypeVar("P")
KINDS = ("csv", "xlsx")
SHEET_ROWS_MAX = 100_000  # a workbook is finished before its first byte leaves
CHUNK = 64 * 1024
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"  # so that spreadsheets read the file as UTF-8


class PdfTooLong(Rejected):
    """A PDF holds at most 2 000 lines. Take CSV or XLSX, or choose fewer days."""

    code = "pdf_too_long"


class TooLong(Rejected):
    """A workbook holds at most 100 000 rows. Take CSV, or choose fewer days."""

    code = "export_too_long"


class Column(NamedTuple, Generic[T]):
    """`value` gives text, a whole number, a moment (written in the reader's zone: `zoned` says so), Money or None."""

    label: str
    value: Callable[[T], Any]


def export(name: str, kind: str, columns: Sequence[Column[T]], rows: Iterable[T]) -> Response:
    """The rows as a file to keep. Raises TooManyExports, ExportRunning, TooLong (XLSX)."""
    write, content_type = (_csv, "text/csv; charset=utf-8") if kind == "csv" else (
        _xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    actor = current_actor()
    turn, zone = Turn(None if actor is None else actor.id), ZoneInfo(time_zone())
    try:
        pieces = write(columns, rows, zone)
        if kind == "xlsx":
            turn.is_made()
        response = Response(turn.until_end(pieces), content_type=content_type)
    except BaseException:
        turn.end()
        raise
    response.call_on_close(turn.end)  # a reader who left before the first piece
    file = f"{name}-{clock.today().isoformat()}.{kind}"
    response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    return response


def document(name: str, write: Callable[[], bytes]) -> Response:
    """What is written whole, as a PDF to keep. Raises as `write`, TooManyExports, ExportRunning."""
    actor = current_actor()
    turn = Turn(None if actor is None else actor.id)
    try:
        written = write()
    finally:
        turn.end()
    response = Response(written, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-{clock.today().isoformat()}.pdf"'
    return response


def zoned(label: str) -> str:
    """The label of a column of moments: `Created (Europe/Moscow)`."""
    return f"{label} ({time_zone()})"


def neutral(text: str) -> str:
    """A stranger's text that a spreadsheet would take for a formula, made text again."""
    return f"'{text}" if names.reads_as_formula(text) else text


def _csv(columns: Sequence[Column[T]], rows: Iterable[T], zone: ZoneInfo) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write(BOM)
    writer.writerow([column.label for column in columns])
    for row in rows:
        writer.writerow([_in_csv(column.value(row), zone) for column in columns])
        if buffer.tell() > CHUNK:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    written = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return written


def _in_csv(value: Any, zone: ZoneInfo) -> str:
    match value:
        case None:
            return ""
        case Money():
            return value.text
        case datetime():
            return value.astimezone(zone).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case str():
            return neutral(value)
    return str(value)


def _xlsx(columns: Sequence[Column[T]], rows: Iterable[T], zone: ZoneInfo) -> Iterator[bytes]:
    """Written to a file of its own, row by row, then sent in pieces. Raises TooLong."""
    import xlsxwriter

    file = tempfile.TemporaryFile()  # noqa: SIM115 — closed by who reads the pieces
    try:
        with xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
                                        "remove_timezone": True, "in_memory": False}) as book:
            sheet = book.add_worksheet()
            look = Look(book, zone)
            for at, column in enumerate(columns):
                sheet.write_string(0, at, column.label, look.head)
            sheet.freeze_panes(1, 0)
            for number, row in enumerate(rows, 1):
                if number > SHEET_ROWS_MAX:
                    raise TooLong()
                for at, column in enumerate(columns):
                    look.write(sheet, number, at, column.value(row))
    except BaseException:
        file.close()
        raise
    return _pieces(file)


def _pieces(file: Any) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while piece := file.read(CHUNK):
            yield piece


def in_batches(step: Callable[[Session, P | None], tuple[Sequence[T], P | None]]) -> Iterator[T]:
    """Row by row out of `step(session, place) → (rows, next place or None)`.

    Each batch has a context and a connection of its own: between two of them the reader may be slow, or another thread
    may go on reading.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    def rows() -> Iterator[T]:
        place: P | None = None
        while True:
            with app.app_context():
                batch, place = step(reader(), place)
            yield from batch
            if place is None:
                return

    return rows()
