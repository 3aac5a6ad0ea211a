"""Files that strangers send: workbooks that unpack without end, entities, odd cells; what is read is what is shown."""
import datetime
import io
import tracemalloc
import zipfile

import pytest
from openpyxl import Workbook

from portal.core.errors import Invalid
from portal.imports import formats, tables, workbooks
from portal.payouts import rows

NAMES = [column.name for column in rows.COLUMNS]


def workbook(*lines, head=NAMES):
    book = Workbook()
    for line in [head, *lines]:
        book.active.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def repacked(content, changes):
    """The same workbook with other bytes in some of its parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as given, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for part in given.infolist():
            made.writestr(part.filename, changes.pop(part.filename, given.read(part)))
        for name, more in changes.items():
            made.writestr(name, more)
    return out.getvalue()


def code_of(content, rows_max=50):
    with pytest.raises(Invalid) as refused:
        tables.read(rows.READ, content, rows_max=rows_max)
    return refused.value.fields[0].code


def test_cells_are_what_is_shown():
    line = ["a-1", 1500.5, "RUB", "card", 79161234567, None, True, datetime.datetime(2026, 11, 26)]
    [found] = tables.read(rows.READ, workbook(line), rows_max=5)
    assert found.cells["amount"] == "1500.5"
    assert found.cells["number"] == "79161234567"
    assert found.cells["holder"] == "yes"
    assert found.cells["description"] == "2026-11-26T00:00:00"


def test_a_formula_is_what_it_came_to_and_nothing_else():
    line = ["=HYPERLINK(\"http://x\")", 1500, "RUB", "card", "=1+1", None, None, None]
    [found] = tables.read(rows.READ, workbook(line), rows_max=5)
    assert (found.cells["external_id"], found.cells["number"]) == ("", "")


def test_a_card_number_that_a_spreadsheet_has_rounded_is_refused():
    assert code_of(workbook(["a", 1, "RUB", "card", 2200150000000007, None, None, None])) == "rounded_number"


def test_a_sheet_whose_size_is_misstated_is_read_to_its_end():
    content = workbook(*[[f"a-{at}", 1500, "RUB", "card", "1", None, None, None] for at in range(20)])
    sheet = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        text = parts.read(sheet).decode()
    assert 'ref="A1:H21"' in text
    assert len(tables.read(rows.READ, repacked(content, {sheet: text.replace('ref="A1:H21"', 'ref="A1:H2"').encode()}),
                           rows_max=50)) == 20


def test_a_bomb_is_refused_before_it_unpacks():
    huge = b"<x>" + b"0" * (300 * 1024 * 1024) + b"</x>"
    bomb = repacked(workbook(), {"xl/sharedStrings.xml": huge})
    del huge
    assert len(bomb) < 2 * 1024 * 1024
    tracemalloc.start()
    assert code_of(bomb) == "too_large_unpacked"
    assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    tracemalloc.stop()


def test_many_parts_are_no_list():
    assert code_of(repacked(workbook(), {f"xl/x{at}.xml": b"<x/>" for at in range(600)})) == "too_large_unpacked"


@pytest.mark.parametrize("declared", [
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>', b'<!DOCTYPE x SYSTEM "file:///etc/passwd">'])
@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/workbook.xml"])
def test_entities_are_refused_in_every_part(declared, part):
    content = workbook(["a", 1, "RUB", "card", "1", None, None, None])
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        text = parts.read(part)
    head, _, rest = text.rpartition(b"?>")
    assert code_of(repacked(content, {part: head + (_ or b"") + declared + rest})) == "not_xlsx"
    wide = (text.decode()).encode("utf-16")
    assert code_of(repacked(content, {part: wide})) == "not_xlsx"


def test_a_row_far_down_is_not_overlooked():
    book = Workbook()
    book.active.append(NAMES)
    book.active["A900000"] = "far"
    out = io.BytesIO()
    book.save(out)
    assert code_of(out.getvalue()) == "too_far_down"


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"PK\x05\x06" + b"\0" * 18, workbook()[:400]])
def test_what_is_no_workbook_is_refused(content):
    assert code_of(content) in ("not_xlsx", "empty")


def test_too_many_rows_are_refused_and_as_many_as_fit_are_read():
    lines = [["a", 1, "RUB", "card", "1", None, None, None]] * 51
    assert code_of(workbook(*lines)) == "too_many_rows"
    assert len(tables.read(rows.READ, workbook(*lines[:50]), rows_max=50)) == 50


def test_what_is_written_is_read_back():
    cells = {"external_id": "-1", "amount": "1 500,00", "currency": "RUB", "method": "card", "number": "+79161234567",
             "holder": "@Anna", "description": "a;b\"c", "bank": ""}
    for russian in (False, True):
        content = tables.written(rows.COLUMNS, [cells], russian=russian)
        assert b"\"'-1\"" in content or b"'-1" in content
        assert tables.read(rows.READ, content, rows_max=5) == [tables.Line(2, cells)]


def test_staffs_files_come_as_workbooks_too():
    content = workbook(["Northwind"], ["Books"], head=["name"])
    assert [line.cells["name"] for line in formats.parse("merchants", content)] == ["Northwind", "Books"]
    assert formats.parse("merchants", formats.as_text("merchants", content).encode()) == formats.parse(
        "merchants", content)


def test_a_workbook_is_known_by_its_first_bytes():
    assert workbooks.is_one(workbook())
    assert not workbooks.is_one(b"external id;amount\n")
