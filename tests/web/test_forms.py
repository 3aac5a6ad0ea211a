"""Forms of all pages: money as people write it, and nothing typed is lost when something is refused."""
import pytest
import sqlalchemy as sa

from portal.approvals import Approval
from portal.core import clock
from portal.core.db import reader
from tests import factories, people
from tests.factories import fresh
from tests.web import forms

ACTS_ONLY = ("gateway", "shop.hear", "files.",  # called by programs and scripts: no page is behind them
             "shop_acts.")  # their page asks the gateway of a running desk: tests/journeys/test_shop.py


@pytest.fixture
def cast(app):
    cast = factories.new_cast()
    cast.requisite(cast.trader())
    return cast


@pytest.fixture
def staff(app):
    return people.seat(app, people.person("super_admin"))


@pytest.fixture
def trader(app, cast):
    return people.seat(app, people.person("trader", trader_id=cast.traders[0].id))


def text_of(answer) -> str:
    return answer.get_data(as_text=True)


def asked() -> list[str]:
    return list(reader().scalars(sa.select(Approval.after["amount"].astext).where(Approval.kind == "deposit")
                                 .order_by(Approval.id)))


@pytest.mark.parametrize(("lang", "typed"), [
    ("en", "250"), ("en", "250.5 USDT"), ("ru", "1 250,50"), ("ru", "1\N{NO-BREAK SPACE}250,5"), ("en", "1,250.50"),
])
def test_a_deposit_is_asked_for_as_people_write_it(cast, staff, lang, typed):
    staff.set_cookie("lang", lang)
    answer = staff.send(f"/admin/traders/{cast.traders[0].public_id}/deposits", {"amount": typed, "reason": "wire 77"})
    assert answer.status_code == 303
    assert asked()[-1] in ("250.000000", "250.500000", "1250.500000")


@pytest.mark.parametrize(("lang", "prefilled"), [("ru", "3 990,00"), ("en", "3 990.00")])
def test_a_trader_confirms_with_the_amount_as_the_page_writes_it(cast, trader, lang, prefilled):
    order = factories.paid_payin(cast, "3990.00")
    trader.set_cookie("lang", lang)
    page = text_of(trader.get(f"/trader/orders/{order.public_id}"))
    form = forms.to(page, f"/trader/orders/{order.public_id}/confirmation")
    assert form.sent["received"][0].replace("\N{NO-BREAK SPACE}", " ") == prefilled
    assert trader.post(form.action, data=form.sent).status_code == 303
    assert fresh(order).status == "confirmed"


def test_a_refused_form_says_what_is_wrong_in_the_readers_language_and_keeps_all_of_it(cast, staff):
    """The page came back at its top, in English, with an empty reason, and marked every reason on the page."""
    staff.set_cookie("lang", "ru")
    page = f"/admin/traders/{cast.traders[0].public_id}"
    answer = staff.send(f"{page}/deposits", {"amount": "1.0000001", "reason": "платёж 77"})
    assert answer.status_code == 422
    shown = forms.read(text_of(answer))
    form = forms.to(text_of(answer), f"{page}/deposits")
    assert form.sent["amount"] == ["1.0000001"]
    assert form.sent["reason"] == ["платёж 77"]
    assert "#field-amount" in shown.hrefs
    assert form.ids["amount"] == "field-amount"
    assert "В суммах в USDT не больше 6 цифр после запятой." in text_of(answer)
    assert "digits after" not in text_of(answer)
    others = [other for other in shown.found if other.action != form.action and "reason" in other.kinds]
    assert others
    assert all(other.sent["reason"] == [""] for other in others), "another form shows what was not typed into it"


def test_every_wrong_field_is_a_link_away(cast, trader):
    answer = trader.send("/trader/requisites", {"method": cast.method, "currency": "RUB", "holder": "I", "payin": "yes",
                                                "number": "4242424242424241", "min_amount": "1,500",
                                                "day_count_max": "x"})
    assert answer.status_code == 422
    page = forms.read(text_of(answer))
    led = [href for href in page.hrefs if href.startswith("#field-")]
    assert {"#field-holder", "#field-max_amount", "#field-day_count_max"} <= set(led)
    assert {href[1:] for href in led} <= page.every_id
    assert 'role="alert" tabindex="-1" autofocus data-refused="/trader/requisites/new"' in text_of(answer)


def test_a_mistyped_card_is_mended_not_typed_again(cast, trader):
    sent = {"method": cast.method, "currency": "RUB", "holder": "Ivan Petrov", "payin": "yes",
            "number": "4242 4242 4242 4241", "min_amount": "100", "max_amount": "50 000"}
    answer = trader.send("/trader/requisites", sent)
    assert answer.status_code == 422
    form = forms.to(text_of(answer), "/trader/requisites")
    assert form.sent["number"] == [sent["number"]]
    assert answer.headers["Cache-Control"] == "no-store"
    assert trader.post(form.action, data={**form.sent, "number": ["4242 4242 4242 4242"]}).status_code == 303


def test_the_address_of_an_act_leads_to_its_page(addresses):
    """A refused form left the address of its act in the browser: opened again it said 405."""
    assert len(addresses) > 50
    wrong = []
    for seat, path in addresses:
        answer = seat.get(path)
        where = answer.headers.get("Location", "")
        if answer.status_code != 303 or not path.startswith(where.removesuffix("/new")):
            wrong.append((path, answer.status_code, where))
        elif seat.get(where).status_code not in (200, 303, 428):  # 428: a page that asks who sits there
            wrong.append((path, where, "no page"))
    assert not wrong


@pytest.fixture
def addresses(stage):
    """(seat, address) of everything that can only be posted to."""
    return list(_acts(stage))


def _acts(stage):
    seats = {kind: stage.seat(kind) for kind in ("trader", "merchant_owner", "super_admin", "nobody")}
    with stage.app.test_request_context():
        adapter = stage.app.url_map.bind("localhost")
        readable = {rule.rule for rule in stage.app.url_map.iter_rules() if "GET" in rule.methods}
        for rule in stage.app.url_map.iter_rules():
            area = rule.endpoint.partition("_")[0]
            if "POST" not in rule.methods or rule.rule in readable or rule.endpoint.startswith(ACTS_ONLY):
                continue
            seat = seats[{"trader": "trader", "merchant": "merchant_owner", "admin": "super_admin"}.get(
                area, "nobody" if area.startswith(("auth", "checkout", "shop")) else "super_admin")]
            names = sorted(rule.arguments)
            values = {name: _sample(stage, area, name) for name in names}
            yield seat, adapter.build(rule.endpoint, values, method="POST")


def _sample(stage, area, name):
    from portal.orders import payment_links

    if name == "order_id":
        return stage.orders["paid"].public_id
    if name == "payout_id":
        return stage.orders["payout_offered"].public_id
    if name == "token":
        return payment_links.token_of(stage.orders["assigned"].id)
    if name == "day":
        return str(clock.today())
    return stage.samples.get(f"{area}.{name}", stage.samples.get(name, ["1"]))[0]
