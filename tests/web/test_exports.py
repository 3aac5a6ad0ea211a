"""Files hold exactly what the lists show, for who may see it, in a form no spreadsheet runs."""
import csv
import io
import re
import zipfile

import pytest

from portal.core import audit
from portal.core.db import reader
from portal.core.money import Money
from portal.web import export_turns, exports
from portal.web.exports import Column, export, neutral
from tests import factories, people
from tests.web.stage import PAYLOAD


@pytest.fixture
def cast(app):
    cast = factories.new_cast()
    cast.requisite()
    return cast


@pytest.fixture
def owner(app, cast):
    return people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))


def rows_of(answer) -> list[dict[str, str]]:
    text = answer.get_data().decode("utf-8")
    assert text.startswith("\N{ZERO WIDTH NO-BREAK SPACE}")
    return list(csv.DictReader(io.StringIO(text[1:])))


def test_csv_holds_the_rows_of_the_list(cast, owner):
    factories.completed_payin(cast, "1500.00", external_id="done")
    cast.order("2500.00", external_id="open")
    everything = owner.take("/merchant/orders/export.csv")
    assert everything.status_code == 200
    assert "attachment" in everything.headers["Content-Disposition"]
    assert [row["External id"] for row in rows_of(everything)] == ["open", "done"]
    [done] = rows_of(owner.take("/merchant/orders/export.csv?status=completed"))
    assert done["Amount"] == "1500.00"
    assert done["Currency"] == "RUB"
    assert done["Fee"] == "0.407609"


def test_xlsx_holds_numbers_as_numbers(cast, owner):
    cast.order("1234.50", external_id="1001")
    answer = owner.take("/merchant/orders/export.xlsx")
    book = zipfile.ZipFile(io.BytesIO(answer.get_data()))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert re.search(r"<v>1234\.50?</v>", sheet)
    assert "<f>" not in sheet


def test_what_looks_like_a_formula_is_text(cast, owner):
    for number, external_id in enumerate(("=1+2", "+7", "-8", "@x")):
        cast.order(f"{1000 + number}.00", external_id=external_id, description="=HYPERLINK(1)")
    for row in rows_of(owner.take("/merchant/orders/export.csv")):
        assert row["External id"].startswith("'")
        assert row["Description"].startswith("'=")


def test_another_merchant_gets_nothing_of_it(app, cast, owner):
    cast.order("1500.00")
    other = factories.new_cast()
    stranger = people.seat(app, people.person("merchant_owner", merchant_id=other.merchant.id))
    assert rows_of(stranger.take("/merchant/orders/export.csv")) == []
    assert stranger.take("/admin/orders/export.csv").status_code == 403


def test_an_export_is_in_the_audit(cast, owner):
    owner.take("/merchant/orders/export.csv?status=open")
    rows = reader().execute(audit.AuditRow.__table__.select().where(audit.AuditRow.action == "orders.exported")).all()
    assert any(row.after == {"direction": "payin", "mode": "live", "status": "open"} for row in rows)


def test_filters_that_make_no_sense_make_no_file(owner):
    assert owner.take("/merchant/orders/export.csv?status=lost").status_code == 422
    assert owner.take("/merchant/orders/export.doc").status_code == 404


def test_a_workbook_that_would_be_too_long_says_so(cast, owner, monkeypatch):
    monkeypatch.setattr(exports, "SHEET_ROWS_MAX", 1)
    cast.order("1500.00")
    cast.order("1600.00")
    answer = owner.take("/merchant/orders/export.xlsx")
    assert answer.status_code == 409
    assert "CSV" in answer.get_data(as_text=True)
    assert owner.take("/merchant/orders/export.csv").status_code == 200


NUMBERS = [Column("n", lambda row: row)]


def test_a_third_export_at_once_is_asked_to_wait(app):
    with app.test_request_context():
        running = [export("numbers", "csv", NUMBERS, [1, 2]) for _ in range(export_turns.AT_ONCE_MAX)]
        with pytest.raises(export_turns.TooManyExports):
            export("numbers", "csv", NUMBERS, [1])
        for answer in running:
            answer.close()
        export("numbers", "csv", NUMBERS, [1]).close()


def test_slow_readers_step_aside_and_read_on(app, monkeypatch):
    """Two people on slow lines had both turns for as long as they liked: nobody else got a file."""
    monkeypatch.setattr(export_turns, "SLOW_AFTER_S", 0.0)
    rows = ["x" * exports.CHUNK] * 3
    with app.test_request_context():
        slow = [export("numbers", "csv", NUMBERS, rows) for _ in range(export_turns.AT_ONCE_MAX)]
        reading = [iter(answer.response) for answer in slow]
        begun = [next(pieces) for pieces in reading]
        quick = [export("numbers", "csv", NUMBERS, [1]) for _ in range(export_turns.AT_ONCE_MAX)]
        assert [answer.get_data().count(b"1") for answer in quick] == [1] * len(quick)
        whole = [first + b"".join(rest) for first, rest in zip(begun, reading, strict=True)]
        for answer in (*quick, *slow):
            answer.close()
    assert [len(file) > 3 * exports.CHUNK for file in whole] == [True] * len(slow), "to the last byte"


def test_those_aside_are_bounded(app, monkeypatch):
    monkeypatch.setattr(export_turns, "SLOW_AFTER_S", 0.0)
    monkeypatch.setattr(export_turns, "SLOW_BELOW", 2.0)
    monkeypatch.setattr(export_turns, "ASIDE_MAX", 3)
    with app.test_request_context():
        answers = [export("numbers", "csv", NUMBERS, [1]) for _ in range(3 + export_turns.AT_ONCE_MAX)]
        with pytest.raises(export_turns.TooManyExports):
            export("numbers", "csv", NUMBERS, [1])
        for answer in answers:
            answer.close()


def test_a_workbook_that_is_made_takes_no_turn(app):
    with app.test_request_context():
        made = [export("numbers", "xlsx", NUMBERS, [1]) for _ in range(export_turns.AT_ONCE_MAX + 1)]
        assert all(answer.get_data().startswith(b"PK") for answer in made)
        for answer in made:
            answer.close()


def test_one_person_writes_one_export_at_a_time_and_is_told_what_to_do(app, cast, owner):
    cast.order("1500.00")
    first = owner.take("/merchant/orders/export.csv")
    second = owner.take("/merchant/orders/export.csv")
    assert second.status_code == 429
    assert int(second.headers["Retry-After"]) >= 30
    assert "cancel its download" in second.get_data(as_text=True)
    another = people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))
    assert len(rows_of(another.take("/merchant/orders/export.csv"))) == 1
    assert len(rows_of(first)) == 1
    first.close()
    assert owner.take("/merchant/orders/export.csv").status_code == 200


@pytest.mark.parametrize(("said", "kept"), [("=1", "'=1"), ("plain", "plain"), ("\t=1", "'\t=1"), ("", ""),
                                            (" \u3000\xa0\ufeff=1", "' \u3000\xa0\ufeff=1"), (" a", " a"),
                                            *((text, f"'{text}") for text in (
                                                "\uff1d1", "\uff0b1", "\uff0d1", "\uff201", "\ufe661", "\ufe621",
                                                "\ufe631", "\ufe6b1", "\u22121", "\u207c1", "\u208b1", "\u200b=1",
                                                "\u202e\u2066@SUM(A1)", "\u3164-1", "\u2028=1", " \x01=1",
                                                "\n=1")),
                                            ("a=1", "a=1"), ("\u200ba=1", "\u200ba=1"), ("\u2014", "\u2014")])
def test_neutral(said, kept):
    assert neutral(said) == kept


def test_a_stranger_writes_no_formula_into_money(app):
    columns = [Column("amount", lambda row: row), Column("text", lambda row: PAYLOAD)]
    with app.test_request_context():
        [row] = rows_of(export("x", "csv", columns, [Money(-150, "RUB")]))
    assert row["amount"] == "-1.50"
