"""A table that somebody sent, as CSV or XLSX: read by its head, whatever separates it, and written back as CSV.

What is in a cell is text and stays text: a formula is nothing but what it came to, or nothing at all.
"""
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from portal.core.errors import FieldError, Invalid
from portal.core.names import reads_as_formula
from portal.imports import workbooks

CELL_MAX = 500
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"  # so that spreadsheets read the file as UTF-8


class Column(NamedTuple):
    """`name`: the command's field. `example`: of the template."""

    name: str
    english: str
    russian: str
    example: str
    needed: bool = True


class Line(NamedTuple):
    """`number`: of the file's rows, the head being 1, empty ones counted."""

    number: int
    cells: dict[str, str]


Columns = Sequence[Column]


def read(columns: Columns, content: bytes, *, rows_max: int) -> list[Line]:
    """The rows of a file by field, white space off, empty ones left out.

    Raises Invalid: no text and no workbook, no head, a column missing or unknown, no rows, too many.
    """
    rows = workbooks.rows(content, rows_max=rows_max) if workbooks.is_one(content) else _csv(content)
    names = _names(columns, rows[0] if rows else [])
    lines = [Line(number, _cells(names, row)) for number, row in enumerate(rows[1:], 2)
             if any(cell.strip() for cell in row)]
    if not lines:
        raise _wrong("empty", "There is no row below the head.")
    if len(lines) > rows_max:
        raise _wrong("too_many_rows", "A file holds at most %(most)s rows: split it.", most=rows_max)
    return lines


def template(columns: Columns, *, russian: bool) -> bytes:
    """An example to fill in, as a spreadsheet of that language opens it."""
    return written(columns, [{column.name: column.example for column in columns}], russian=russian)


def written(columns: Columns, rows: Iterable[Mapping[str, str]], *, russian: bool) -> bytes:
    """Rows by field as CSV; what a spreadsheet would take for a formula is made text again."""
    out = io.StringIO()
    table = csv.writer(out, delimiter=";" if russian else ",")
    table.writerow([column.russian if russian else column.english for column in columns])
    for row in rows:
        cells = (row.get(column.name, "") for column in columns)
        table.writerow([f"'{cell}" if reads_as_formula(cell) and not _is_number(cell) else cell for cell in cells])
    return (BOM + out.getvalue()).encode()


def _wrong(code: str, sentence: str, about: str = "", **params: object) -> Invalid:
    return Invalid("" if params else sentence, fields=[FieldError("/file", code, sentence, params)], about=about[:80])


def _csv(content: bytes) -> list[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong("not_utf8", "This is no text in UTF-8: save the file as “CSV UTF-8”.") from None
    if "\0" in text:
        raise _wrong("not_utf8", "This is no text in UTF-8: save the file as “CSV UTF-8”.")
    head = text.partition("\n")[0]
    separator = ";" if head.count(";") >= head.count(",") and ";" in head else "\t" if "\t" in head else ","
    try:
        return list(csv.reader(io.StringIO(text), delimiter=separator))
    except csv.Error:
        raise _wrong("not_csv", "This cannot be read as CSV: a quotation mark is not closed, or a cell is too long."
                    ) from None


def _names(columns: Columns, head: list[str]) -> list[str]:
    """Field by column, however the head is written. Raises Invalid."""
    known = {_plain(word): column.name for column in columns for word in (column.name, column.english, column.russian)}
    names = [known.get(_plain(cell), "") for cell in head]
    while names and not names[-1] and not head[len(names) - 1].strip():
        names.pop()
    if "" in names:
        raise _wrong("unknown_column", "The head names a column that is not known here: take the template's.",
                    head[names.index("")])
    if missing := [column.english for column in columns if column.needed and column.name not in names]:
        raise _wrong("missing_column", "A column of the template is missing.", ", ".join(missing))
    if len(set(names)) < len(names):
        raise _wrong("double_column", "A column stands there twice.")
    return names


def _cells(names: list[str], row: list[str]) -> dict[str, str]:
    cells = dict(zip(names, (_text(cell) for cell in row), strict=False))
    return {name: cells.get(name, "") for name in names}


def _text(cell: str) -> str:
    """As it was meant: blanks tidied, and the mark gone by which a spreadsheet (and `written`) keeps text as text."""
    tidy = " ".join(cell.split())[:CELL_MAX]
    return tidy[1:] if tidy.startswith("'") and reads_as_formula(tidy[1:]) else tidy


def _is_number(cell: str) -> bool:
    """A phone number: a plus and digits make no formula that does harm, and a mark before them would be in the way."""
    return cell[:1] == "+" and cell[1:].isdecimal()


def _plain(word: str) -> str:
    return " ".join(word.replace("_", " ").replace("ё", "е").casefold().split())
