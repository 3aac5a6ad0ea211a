"""A statement as a document: whose it is, the period, every line, opening and closing; in both languages."""
import io

import pypdf
import pytest
from flask import Flask
from fpdf import FPDF

from portal import ledger
from portal.core.db import db
from portal.web import statement_pdf
from tests import factories as f
from tests import people


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    made = f.new_cast()
    made.requisite()
    return made


@pytest.fixture
def owner(app: Flask, cast: f.Cast) -> people.Seat:
    return people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))


def read(answer) -> tuple[str, int]:
    """Its text, with plain blanks, and how many pages it has."""
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/pdf"
    assert answer.headers["Content-Disposition"].endswith('.pdf"')
    pages = pypdf.PdfReader(io.BytesIO(answer.data)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split()), len(pages)


def test_it_reads_from_opening_to_closing(cast: f.Cast, owner: people.Seat) -> None:
    orders = [f.completed_payin(cast, amount) for amount in ("1500.00", "920.00")]
    f.work_off("settle_order")
    text, pages = read(owner.get("/merchant/balance/statement.pdf"))
    with f.look() as session:
        found = ledger.statement(session, ledger.store_available(cast.store.id, "USDT", True))
    assert pages == 1
    assert cast.store.name in text
    assert "Opening balance: 0.000000 USDT" in text
    assert f"Closing balance: {found.closing.text} USDT" in text
    places = [text.replace(" ", "").index(order.public_id) for order in orders]
    assert places == sorted(places), "the oldest line stands first"
    for line in found.lines:
        assert line.balance.text in text


def test_nothing_of_the_database_is_kept_while_it_is_set(cast: f.Cast, owner: people.Seat, monkeypatch) -> None:
    """On a busy machine that took longer than a transaction may idle: the connection was cut and the page a 500."""
    kept, output = [], FPDF.output

    def set_it(pdf: FPDF) -> bytearray:
        kept.append(db.session().in_transaction())
        return output(pdf)

    monkeypatch.setattr(FPDF, "output", set_it)
    f.completed_payin(cast, "1500.00")
    read(owner.get("/merchant/balance/statement.pdf"))
    assert kept == [False]


def test_it_speaks_the_readers_language(cast: f.Cast, owner: people.Seat) -> None:
    f.completed_payin(cast, "1500.00")
    f.work_off("settle_order")
    owner.set_cookie("lang", "ru")
    text, _ = read(owner.get("/merchant/balance/statement.pdf"))
    assert "Выписка" in text
    assert "15,896739" in text


def test_a_traders_is_his(app: Flask, cast: f.Cast) -> None:
    f.assigned_payin(cast, "920.00")
    trader = people.seat(app, people.person("trader", trader_id=cast.traders[0].id))
    text, _ = read(trader.get("/trader/balance/statement.pdf"))
    assert cast.traders[0].name in text
    assert "Collateral held" in text


def test_days_without_lines_say_so(owner: people.Seat) -> None:
    text, _ = read(owner.get("/merchant/balance/statement.pdf?day_from=2020-01-01&day_to=2020-01-02"))
    assert "No lines in this period." in text
    assert "2 Jan 2020" in text


def test_what_is_too_long_for_a_document_is_refused_plainly(cast: f.Cast, owner: people.Seat, monkeypatch) -> None:
    monkeypatch.setattr(statement_pdf, "LINES_MAX", 1)
    for amount in ("1500.00", "920.00"):
        f.completed_payin(cast, amount)
    f.work_off("settle_order")
    assert owner.get("/merchant/balance/statement.pdf").status_code == 409
