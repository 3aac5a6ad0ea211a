"""Reference data by staff: currencies, methods and banks switched, added and described, each with its reason."""
from collections.abc import Callable
from secrets import token_hex

import pytest
from flask import Flask
from sqlalchemy import select

from portal import reference
from portal.approvals import Approval
from portal.core.audit import AuditRow
from portal.core.db import reader
from portal.core.money import Money
from portal.parties.models import Store, Trader
from portal.reference.models import Rate
from tests import factories, people
from tests.factories import Cast
from tests.web.inspect import faults

SAY = {"reason": "Opening in Tashkent"}


def known(kind: str, code: str):
    reference.forget()
    return getattr(reference.snapshot(), kind).get(code)


def audited(action: str, code: str) -> list[str | None]:
    with factories.look() as session:
        return list(session.scalars(select(AuditRow.reason).where(AuditRow.action == action,
                                                                  AuditRow.target_id == code)))


def test_a_currency_of_iso_is_switched_on_with_a_reason(admin: people.Seat) -> None:
    assert admin.send("/admin/reference/switch", {"code": "OMR", "active": "yes"}).status_code == 422
    assert admin.send("/admin/reference/switch", {"code": "OMR", "active": "yes", **SAY}).status_code == 303
    assert (known("currencies", "OMR").active, known("currencies", "OMR").exponent) == (True, 3)
    assert SAY["reason"] in audited("currency.switched", "OMR")
    html = admin.get("/admin/reference").get_data(as_text=True)
    assert "Omani Rial" in html
    assert not faults(html, signed_in=True, language="en")
    assert admin.send("/admin/reference/currencies/OMR/switch", {"active": "no", **SAY}).status_code == 303
    assert not known("currencies", "OMR").active


def test_an_asset_needs_a_second_person_and_keeps_its_digits(app: Flask, admin: people.Seat) -> None:
    code = f"T{token_hex(2).upper()}"
    form = {"code": code, "name": "Testcoin", "digits": "9", **SAY}
    assert admin.send("/admin/reference/assets", form | {"digits": "18"}).status_code == 422
    assert admin.send("/admin/reference/assets", form).status_code == 303
    assert known("currencies", code) is None
    with factories.look() as session:
        asked = session.scalars(select(Approval).where(Approval.target_id == code)).one()
    page = admin.get(f"/admin/approvals/{asked.public_id}").get_data(as_text=True)
    assert "Testcoin" in page
    assert admin.send(f"/admin/approvals/{asked.public_id}/decision", {"decision": "approve"}).status_code == 403
    second = people.seat(app, people.person("admin"))
    assert second.send(f"/admin/approvals/{asked.public_id}/decision", {"decision": "approve"}).status_code == 303
    assert (known("currencies", code).exponent, known("currencies", code).active) == (9, True)
    assert Money(1, code).text == "0.000000001"
    assert admin.send("/admin/reference/assets", form).status_code == 409


def test_a_store_and_a_trader_are_kept_in_any_asset_that_is_on(admin: people.Seat, cast: Cast) -> None:
    """New stores and traders could have USDT only: it was wired into the forms."""
    from portal.core import ids

    home = f"/admin/merchants/{ids.public('mrc', cast.store.merchant_id)}/stores"
    assert '<option value="BTC"' in admin.get(f"{home}/new").get_data(as_text=True)
    shop = {"name": "Bitcoin shop", "slug": f"s{token_hex(6)}"}
    assert admin.send(home, shop).status_code == 422
    assert admin.send(home, shop | {"settlement_currency": "AFN"}).status_code == 422  # of ISO, but not switched on
    assert admin.send(home, shop | {"settlement_currency": "BTC"}).status_code == 303
    made = admin.send("/admin/traders", {"name": f"Trader {shop['slug']}", "settlement_currency": "BTC"})
    assert made.status_code == 303
    with factories.look() as session:
        assert session.scalars(select(Store.settlement_currency).where(Store.slug == shop["slug"])).one() == "BTC"
        assert session.scalars(select(Trader.settlement_currency)
                               .where(Trader.name == f"Trader {shop['slug']}")).one() == "BTC"


def test_a_pair_without_a_rate_gets_its_first(app: Flask, admin: people.Seat) -> None:
    """An empty desk could price no order: no form, no command, no feed brought the first rate."""
    assert admin.send("/admin/rates", {"base": "BTC", "quote": "KZT", "rate": "30 000 000"}).status_code == 422
    assert admin.send("/admin/rates", {"base": "BTC", "quote": "KZT", "rate": "30 000 000", **SAY}).status_code == 303
    run = app.test_cli_runner().invoke
    done = run(args=["rates", "set", "usdc", "uah", "41.5", "--reason", "Opening", "--force"])
    assert (done.exit_code, done.output) == (0, "USDC/UAH is 41.5\n")
    assert "USDC/UAH" in run(args=["rates", "list"]).output
    assert run(args=["rates", "set", "usdc", "uah", "0", "--reason", "x"]).exit_code == 1
    pairs = {(row.base, row.quote): row.rate for row in reader().scalars(select(Rate).order_by(Rate.at))}
    assert (pairs["BTC", "KZT"], pairs["USDC", "UAH"]) == (30_000_000, 41.5)


def test_a_method_is_added_described_and_narrowed(fresh_app: Flask) -> None:
    """On a desk of its own: a refused form shows the page of all methods, and each cast of other tests adds one."""
    admin = people.seat(fresh_app, people.person("super_admin"))
    code = f"m{token_hex(4)}"
    form = {"code": code, "name": "Humo card", "name_ru": "Карта Humo", "number_label": "Card number",
            "validator": "card", "networks": ["humo", "uzcard"], "currencies": "UZS", "position": "7", **SAY}
    assert admin.send("/admin/reference/methods", form | {"currencies": "NOPE"}).status_code == 422
    assert admin.send("/admin/reference/methods", form | {"validator": "pattern"}).status_code == 422
    assert admin.send("/admin/reference/methods", form).status_code == 303
    made = known("methods", code)
    assert (made.rules, list(made.currencies), made.active) == ({"networks": ["humo", "uzcard"]}, ["UZS"], True)
    assert "Карта Humo" in admin.get(f"/admin/reference/methods/{code}?lang=ru").get_data(as_text=True)
    changed = form | {"name": "Humo or Uzcard", "pattern": ""}
    del changed["code"], changed["validator"]
    assert admin.send(f"/admin/reference/methods/{code}", changed | {"pattern": "9{20}"}).status_code == 422
    assert admin.send(f"/admin/reference/methods/{code}", changed).status_code == 303
    assert known("methods", code).name == "Humo or Uzcard"
    assert admin.send(f"/admin/reference/methods/{code}/switch", {"active": "no", **SAY}).status_code == 303
    assert audited("method.set", code) == audited("method.switched", code) == [SAY["reason"]]


def test_a_bank_has_a_name_in_two_languages_and_a_place(admin: people.Seat) -> None:
    code = f"b{token_hex(4)}"
    form = {"code": code, "name": "Ipak Yuli", "name_ru": "Ипак Йули", "country": "UZ", "position": "1", **SAY}
    assert admin.send("/admin/reference/banks", form | {"country": "uz"}).status_code == 422
    assert admin.send("/admin/reference/banks", form).status_code == 303
    assert admin.send("/admin/reference/banks", form).status_code == 409
    assert "Ипак Йули" in admin.get("/admin/reference/banks?country=UZ&lang=ru").get_data(as_text=True)
    assert "Sber" not in admin.get("/admin/reference/banks?country=UZ&lang=en").get_data(as_text=True)
    del form["code"]
    assert admin.send(f"/admin/reference/banks/{code}", form | {"name": "Ipak Yuli Bank"}).status_code == 303
    assert admin.send(f"/admin/reference/banks/{code}/switch", {"active": "no", **SAY}).status_code == 303
    assert (known("banks", code).name, known("banks", code).active) == ("Ipak Yuli Bank", False)


def test_what_is_not_there_is_not_found(admin: people.Seat) -> None:
    for path in ("/admin/reference/methods/nope", "/admin/reference/banks/nope"):
        assert admin.get(path).status_code == 404
        assert admin.send(f"{path}/switch", {"active": "no", **SAY}).status_code == 404


@pytest.mark.parametrize("kind", ["support_readonly", "trader", "merchant_owner"])
def test_only_who_may(seat_of: Callable[[str], people.Seat], kind: str) -> None:
    seat = seat_of(kind)
    assert seat.get("/admin/reference").status_code == 403
    assert seat.send("/admin/reference/switch", {"code": "KWD", "active": "yes", **SAY}).status_code == 403
