"""The first sheet of an XLSX workbook as rows of text. A stranger's zip of XML is bounded before any of it is read.

Neither macros nor links nor formulas are looked at: of a formula's cell there is what it came to when it was saved.
"""
import io
import zipfile
from collections.abc import Iterable
from datetime import datetime, time
from decimal import Decimal
from typing import Any

from portal.core.errors import FieldError, Invalid

UNPACKED_MAX = 24 * 1024 * 1024  # of all its parts together: 5,000 rows of eight columns are about 3 MB
PARTS_MAX, COLUMNS_MAX = 500, 40
SPARE_ROWS = 5_000  # empty ones that are looked through, beyond those a file may hold
EXACT_BELOW = 10**15  # a spreadsheet keeps fifteen digits of a number
PIECE = 256 * 1024
XML = (".xml", ".rels")
DECLARED = (b"<!DOCTYPE", b"<!ENTITY")


def is_one(content: bytes) -> bool:
    """It begins like a zip: CSV never does."""
    return content.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def rows(content: bytes, *, rows_max: int) -> list[list[str]]:
    """Raises Invalid: no workbook, too large unpacked, entities in it, too many rows."""
    _bounded(content)
    from openpyxl import load_workbook  # costs a third of a second: for who sends such a file

    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what it says of its own size may be less than there is
        return _rows(sheet.iter_rows(max_col=COLUMNS_MAX, values_only=True), most=rows_max + SPARE_ROWS)
    except Invalid:
        raise
    except Exception:  # whatever a broken or a hostile workbook makes of the library
        raise _wrong("not_xlsx", "This workbook cannot be read. Save it as XLSX again, or as “CSV UTF-8”.") from None


def _rows(found: Iterable[tuple[Any, ...]], *, most: int) -> list[list[str]]:
    kept: list[list[str]] = []
    for number, row in enumerate(found, 1):
        if number > most:
            raise _wrong("too_far_down", "The sheet goes on too far down: delete the empty rows, or split it.")
        kept.append([_text(value) for value in row])
    return kept


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | float() if abs(value) >= EXACT_BELOW:
            raise _wrong("rounded_number", "A cell holds a number of more than 15 digits, which a spreadsheet rounds."
                                           " Make the column with card and account numbers text and type them anew.")
        case int():
            return str(value)
        case float():
            plain = f"{Decimal(repr(value)):f}"  # as it is shown, never 1500.4999999
            return plain.removesuffix(".0")
        case datetime() | time():
            return value.isoformat()
    return str(value)


def _bounded(content: bytes) -> None:
    """No more parts and bytes than a list has, and no document type: entities would be what unpacks without end."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            names = parts.infolist()
            if len(names) > PARTS_MAX or sum(part.file_size for part in names) > UNPACKED_MAX:
                raise _wrong("too_large_unpacked", "This workbook is too large unpacked: keep the one sheet with rows.")
            for part in names:  # no more than `file_size` of each is ever read, whatever it holds
                if part.filename.endswith(XML) and _has_doctype(parts, part):
                    raise _wrong("not_xlsx", "This workbook cannot be read. Save it as XLSX again, or as “CSV UTF-8”.")
    except Invalid:
        raise
    except Exception:  # a zip that is broken, encrypted or packed in some odd way
        raise _wrong("not_xlsx", "This workbook cannot be read. Save it as XLSX again, or as “CSV UTF-8”.") from None


def _has_doctype(parts: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    """Or is in an encoding in which it could not be seen here."""
    before = b""
    with parts.open(part) as stream:
        while piece := stream.read(PIECE):
            seen = before + piece
            if b"\0" in piece or any(mark in seen for mark in DECLARED):
                return True
            before = piece[-len(DECLARED[0]):]
    return False


def _wrong(code: str, sentence: str) -> Invalid:
    return Invalid(sentence, fields=[FieldError("/file", code, sentence)])
