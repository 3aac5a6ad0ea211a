"""A desk begins with a spreadsheet: every row is judged before anything is made, two people, and all rows or none."""
import io
import re
from secrets import token_hex

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal import ledger
from portal.approvals import Approval
from portal.core import crypto
from portal.core.audit import AuditRow
from portal.core.db import db
from portal.core.ids import parse
from portal.imports import formats, proof
from portal.imports.models import Import
from portal.ledger.models import JournalEntry
from portal.parties.models import Merchant, Store, Trader
from portal.requisites import robots
from portal.requisites.models import Requisite
from tests import factories, people
from tests.web.admin.parties.test_acts import decide, waiting, whole


@pytest.fixture
def admin(app: Flask) -> people.Seat:
    return people.seat(app, people.person("super_admin"))


@pytest.fixture
def second(app: Flask) -> people.Seat:
    return people.seat(app, people.person("super_admin"))


def take_in(seat: people.Seat, sheet: str, text: str | bytes) -> str:
    """The path of its page."""
    answer = sent(seat, sheet, text)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return str(answer.location)


def sent(seat: people.Seat, sheet: str, text: str | bytes):
    content = text if isinstance(text, bytes) else text.encode()
    return seat.send("/admin/imports", {"sheet": sheet, "file": (io.BytesIO(content), "list.csv")},
                     content_type="multipart/form-data")


def imported(admin: people.Seat, second: people.Seat, sheet: str, text: str) -> str:
    path = take_in(admin, sheet, text)
    answer = admin.send(f"{path}/request", {"reason": "We begin"})
    assert answer.status_code == 303, re.findall(r"field-error.*?</p>", whole(admin, path), re.S)
    asked = waiting(parse("imp", path.rpartition("/")[2]), "import")
    assert decide(admin, asked) == 403, "somebody else decides"
    assert decide(second, asked) == 303
    assert decide(second, asked) == 409, "harmless when approved twice"
    return path


def test_a_desk_is_set_up_from_five_files(app: Flask, admin: people.Seat, second: people.Seat) -> None:
    mark, cast = token_hex(4), factories.new_cast()
    imported(admin, second, "merchants", f"\ufeffназвание\r\nСеверный ветер {mark}\r\n")
    imported(admin, second, "stores", (
        "merchant;name;short name;settlement currency;currency;smallest order;largest order;methods;fee, %;colour\n"
        f"Северный ветер {mark};Books;b{mark};USDT;RUB;50;100 000,00;{cast.method};2,5;#0F766E\n"))
    imported(admin, second, "traders", (
        "имя,валюта баланса,\"вознаграждение, %\",уровень,открытых ордеров\n"
        f"Иван {mark},USDT,1,1,20\n"))
    number = robots.test_number("luhn16", mark)
    spaced = " ".join(number[at:at + 4] for at in range(0, 16, 4))
    imported(admin, second, "requisites", (
        "трейдер;способ;банк;валюта;номер;держатель;приём;минимум ордера;максимум ордера;сумма в день\n"
        f"Иван {mark};{cast.method};alfa;RUB;{spaced};Иван {mark};да;100;50 000;1 000 000,00\n"))
    path = imported(admin, second, "balances", (
        "чей;название;сумма\n"
        f"трейдер;Иван {mark};2 500,5\nмагазин;b{mark};100\n"))
    with factories.look() as session:
        merchant = session.scalars(select(Merchant).where(Merchant.name == f"Северный ветер {mark}")).one()
        store = session.scalars(select(Store).where(Store.slug == f"b{mark}")).one()
        trader = session.scalars(select(Trader).where(Trader.name == f"Иван {mark}")).one()
        requisite = session.scalars(select(Requisite).where(Requisite.trader_id == trader.id)).one()
        taken = session.get_one(Import, parse("imp", path.rpartition("/")[2]))
    assert (merchant.status, store.merchant_id, store.brand_color) == ("active", merchant.id, "#0f766e")
    assert (trader.status, trader.open_orders_max) == ("active", 20)
    assert (requisite.status, requisite.number_last4, requisite.day_max_minor) == ("active", number[-4:], 100_000_000)
    assert factories.trader_available(trader).text == "2500.500000"
    assert factories.store_available(store).text == "100.000000"
    with factories.look() as session:
        lines = ledger.lines_of(session, [taken.id])
    assert [(line.kind, line.debit) for line in lines] == [("opening_balance", "platform suspense")] * 2
    assert taken.content_sealed is None, "a file is kept no longer than it is needed"
    assert "Imported" in whole(admin, path)
    db.session.rollback()
    report = ledger.verify.run(db.session(), [proof.OPENED_ONCE])
    assert report.holds, report.differences
    order = cast_order(store, cast.method, trader)
    assert order.status == "assigned", "what was imported is matched"


def cast_order(store: Store, method: str, trader: Trader):
    from portal.parties import traders

    with factories.act() as session:
        traders.begin_shift(session, factories.staff("admin"), trader.id)
    factories.work_off("rebuild_lanes")
    factories.forget()
    return factories.assigned_payin(factories.Cast(method, None, store, traders=[trader]))  # type: ignore[arg-type]


WRONG = {
    "stores": ("merchant,name,short name,settlement currency,currency,smallest order,largest order,methods,\"fee, %\"\n"
               "Nobody,Books,Bad Slug,XXX,USDT,abc,10,pigeon,200\n",
               ("nobody of this name", "no such currency", "Stores take fiat",
                "no such payment method", "Write percent")),
    "traders": ("name,settlement currency,\"reward, %\",tier\nA,USDT,1,77\nA,USDT,1,1\n",
                ("stands in the file twice",)),
    "requisites": ("trader,method,currency,number,holder,smallest order,largest order\n"
                   "Nobody,card,RUB,4000000000000001,Ivan,abc,50\n",
                   ("nobody of this name", "Write the amount in digits")),
    "balances": ("whose,name,amount\nbank,X,1\ntrader,Nobody,1\n", ("Write trader or store", "nobody of this name")),
}


@pytest.mark.parametrize("sheet", WRONG)
def test_every_rows_errors_are_shown_before_anything_is_made(app: Flask, admin: people.Seat, sheet: str) -> None:
    text, sentences = WRONG[sheet]
    path = take_in(admin, sheet, text)
    html = whole(admin, path)
    for sentence in sentences:
        assert sentence in html, sentence
    assert f"{path}/request" not in html
    assert admin.send(f"{path}/request", {"reason": "All the same"}).status_code == 409
    with factories.look() as session:
        assert not session.scalar(select(func.count()).select_from(Approval).where(Approval.kind == "import",
                                  Approval.target_id == str(parse("imp", path.rpartition("/")[2]))))


@pytest.mark.parametrize("content", [
    b"", b"name\n", b"\xff\xfen\x00a\x00", b"nome\nX\n", b"name,name\nX,Y\n", b"name\n" + b"X\n" * 501, b'name\n"X\n',
    b"name\nX\x00Y\n"])
def test_what_is_no_such_file_is_refused(app: Flask, admin: people.Seat, content: bytes) -> None:
    assert sent(admin, "merchants", content).status_code == 422 or content == b'name\n"X\n'
    assert sent(admin, "nothing", b"name\nX\n").status_code == 422


def test_one_row_that_no_longer_fits_makes_none(app: Flask, admin: people.Seat, second: people.Seat) -> None:
    mark = token_hex(4)
    path = take_in(admin, "merchants", f"name\nA {mark}\nB {mark}\n")
    assert admin.send(f"{path}/request", {"reason": "x"}).status_code == 303
    assert admin.send("/admin/merchants", {"name": f"B {mark}"}).status_code == 303
    asked = waiting(parse("imp", path.rpartition("/")[2]), "import")
    assert decide(second, asked) == 409
    with factories.look() as session:
        assert not session.scalars(select(Merchant).where(Merchant.name == f"A {mark}")).all()
    assert decide(second, asked, "reject", reason="Look again") == 303
    assert "This one is there already." in whole(admin, path)


def test_a_balance_that_has_moved_is_opened_no_second_time(
        app: Flask, admin: people.Seat, second: people.Seat) -> None:
    trader = factories.fresh(factories.new_cast().trader(name=f"T {token_hex(4)}", deposit=None))
    with factories.look() as session:
        before = session.scalar(select(func.count()).select_from(JournalEntry))
    text = f"whose,name,amount\ntrader,{trader.name},10\n"
    imported(admin, second, "balances", text)
    path = take_in(admin, "balances", text)
    assert "moved already" in whole(admin, path)
    assert factories.trader_available(trader).text == "10.000000"
    with factories.look() as session:
        assert session.scalar(select(func.count()).select_from(JournalEntry)) == before + 1


def test_numbers_are_sealed_and_never_shown_whole(app: Flask, admin: people.Seat, second: people.Seat) -> None:
    trader = factories.fresh(factories.new_cast().trader(name=f"T {token_hex(4)}"))
    number = robots.test_number("luhn16", token_hex(4))
    path = take_in(admin, "requisites", (
        "trader,method,currency,number,holder,smallest order,largest order\n"
        f"{trader.name},card,RUB,{number},Ivan Petrov,100,5000\n"))
    assert number not in whole(admin, path)
    with factories.look() as session:
        kept = session.get_one(Import, parse("imp", path.rpartition("/")[2]))
        assert number.encode() not in bytes(kept.content_sealed or b"")
        told = session.scalars(select(AuditRow).where(AuditRow.target_id == str(kept.id))).all()
    assert number not in repr([row.after for row in told])
    assert crypto


@pytest.mark.parametrize("sheet", formats.SHEETS)
def test_a_template_is_read_back_in_both_languages(app: Flask, admin: people.Seat, sheet: str) -> None:
    for lang in ("en", "ru"):
        content = admin.get(f"/admin/imports/templates/{sheet}?lang={lang}").get_data()
        assert content.startswith(b"\xef\xbb\xbf")
        assert len(formats.parse(sheet, content)) == 1
    assert admin.get("/admin/imports/templates/nothing").status_code == 404


def test_support_imports_nothing(app: Flask) -> None:
    support = people.seat(app, people.person("support_traders"))
    assert support.get("/admin/imports").status_code == 403
    assert sent(support, "merchants", "name\nX\n").status_code == 403
