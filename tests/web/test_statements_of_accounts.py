"""Each account has its statement, on a page and as files; orders with gross, fee and net, and both zones by name."""
import csv
import io
from datetime import timedelta

import openpyxl
import pypdf
import pytest
from flask import Flask
from sqlalchemy import select

from portal.core import clock
from portal.ledger.models import AccountRow
from portal.parties.models import User
from tests import factories as f
from tests import people

ZONE = "Asia/Yerevan"


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    made = f.new_cast()
    made.requisite()
    return made


def lines(answer) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def plain(answer) -> str:
    assert answer.status_code == 200
    return answer.text.replace("\N{NO-BREAK SPACE}", " ").replace("&nbsp;", " ").replace("&#39;", "'")


def test_a_stores_page_has_what_its_files_have(app: Flask, cast: f.Cast) -> None:
    order = f.completed_payin(cast, "1500.00")
    seat = people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))
    [line] = lines(seat.get("/merchant/balance/statement.csv"))
    row = plain(seat.get("/merchant/balance")).split('id="line-')[1]
    for name, amount in (("Gross", order.settlement), ("Fee", order.fee), ("Net", order.net)):
        assert line[name] == amount.text
        assert amount.text in row.partition("</tr>")[0], name


def test_a_trader_reads_what_is_held(app: Flask, cast: f.Cast) -> None:
    held = f.assigned_payin(cast, "1500.00")
    seat = people.seat(app, people.person("trader", trader_id=cast.traders[0].id))
    page = plain(seat.get("/trader/balance?of=held"))
    assert held.public_id in page
    assert "/trader/balance/statement.csv?of=held" in page
    [line] = lines(seat.get("/trader/balance/statement.csv?of=held"))
    assert (line["Entry"], line["Balance"]) == ("Collateral held", f.trader_held(cast.traders[0]).text)
    assert seat.get("/trader/balance?of=reserve").status_code == 404


@pytest.mark.parametrize("of", ["store", "platform", "world"])
def test_staff_take_any_account_as_a_file(app: Flask, cast: f.Cast, of: str) -> None:
    f.completed_payin(cast, "1500.00")
    with f.look() as session:
        id = session.scalars(select(AccountRow.id).where(
            AccountRow.owner_kind == of, AccountRow.live, AccountRow.currency == "USDT",
            AccountRow.owner_id == cast.store.id if of == "store" else True).order_by(AccountRow.id)).first()
    staff = people.seat(app, people.person("admin"))
    page = plain(staff.get(f"/admin/ledger/accounts/{id}"))
    period = f"day_from={clock.today() - timedelta(days=1)}&day_to={clock.today()}"  # midnight may pass meanwhile
    assert f"/admin/ledger/accounts/{id}/statement.pdf" in page
    assert lines(staff.get(f"/admin/ledger/accounts/{id}/statement.csv?{period}"))
    book = openpyxl.load_workbook(io.BytesIO(staff.get(f"/admin/ledger/accounts/{id}/statement.xlsx?{period}").data))
    assert book.active.max_row > 1
    pdf = staff.get(f"/admin/ledger/accounts/{id}/statement.pdf?{period}")
    assert pdf.content_type == "application/pdf"
    support = people.seat(app, people.person("support_readonly"))
    assert support.get(f"/admin/ledger/accounts/{id}/statement.csv").status_code == 403
    assert staff.get("/admin/ledger/accounts/999999999/statement.csv").status_code == 404


def test_both_zones_are_named_everywhere(app: Flask, cast: f.Cast) -> None:
    f.completed_payin(cast, "1500.00")
    person = people.person("trader", trader_id=cast.traders[0].id)
    with f.act() as session:
        session.get_one(User, person.id).time_zone = ZONE
    seat, desk = people.seat(app, person), clock.zone_name()
    assert f"Days are the desk's ({desk}), times your own ({ZONE})" in plain(seat.get("/trader/balance"))
    heads = lines(seat.get("/trader/balance/statement.csv"))[0]
    assert {f"Time ({ZONE})", f"Day of the desk ({desk})"} <= set(heads)
    sheet = openpyxl.load_workbook(io.BytesIO(seat.get("/trader/balance/statement.xlsx").data)).active
    assert {f"Time ({ZONE})", f"Day of the desk ({desk})"} <= {cell.value for cell in sheet[1]}
    pdf = pypdf.PdfReader(io.BytesIO(seat.get("/trader/balance/statement.pdf").data)).pages[0].extract_text()
    assert f"days of the desk ({desk})" in pdf
    assert ZONE in pdf
