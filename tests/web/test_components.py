"""The look holds: figures are exact, states are drawn, nothing inline, and the payment page stays light."""
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from flask_babel import Babel, force_locale
from flask_wtf import CSRFProtect
from jinja2 import UndefinedError

from portal.core.money import Money
from portal.web import filters
from portal.web.badges import LOOKS, look
from portal.web.components import attributes, init_templates

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = json.loads((ROOT / "static/vendor/manifest.json").read_text())
PAY_PAGE_MAX_BYTES = 25 * 1024
PAY_HTML_BYTES = 4 * 1024  # what the page itself takes, with room


@pytest.fixture
def desk() -> Iterator[Flask]:
    """Templates with their tools and no database: the components need none."""
    app = Flask("look", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.secret_key = "only for this test"
    Babel(app)
    CSRFProtect(app)
    init_templates(app)
    with app.test_request_context("/?state=paid&store=1"):
        yield app


def render(app: Flask, source: str, **context: object) -> str:
    return re.sub(r"\s+", " ", app.jinja_env.from_string(source).render(**context))


def test_amounts_are_shown_exactly_in_each_language(desk: Flask) -> None:
    amount = Money(1_284_310_05, "RUB")
    assert filters.money(amount) == "1 284 310.05 ₽".replace(" ", filters.NBSP)
    with force_locale("ru"):
        assert filters.money(amount) == "1 284 310,05 ₽".replace(" ", filters.NBSP)


def test_crypto_hides_only_zeros(desk: Flask) -> None:
    assert filters.digits(Money(864_200_000, "USDT")) == "864.20"
    assert filters.digits(Money(-1, "USDT")) == "−0.000001"


@pytest.mark.parametrize("minor", [0, 1, -10, 864_200_000, 58_404_620, 33_934_239])
def test_the_points_of_a_column_stand_below_each_other(desk: Flask, minor: int) -> None:
    amount = Money(minor, "USDT")
    assert len(filters.digits(amount, fixed=True).partition(".")[2]) == 6


@pytest.mark.parametrize(("minor", "shown"), [(59_467_391, "59.47"), (100_869_565, "100.87"), (-59_467_391, "−59.47"),
                                              (2_500_000_000, "2 500.00"), (4, "0.000004")])
def test_a_glance_is_rounded_not_cut(desk: Flask, minor: int, shown: str) -> None:
    assert filters.digits(filters.glance(Money(minor, "USDT"))) == shown.replace(" ", filters.NBSP)


def test_every_state_has_a_word_and_an_icon_that_is_in_the_sprite() -> None:
    drawn = [shown for states in LOOKS.values() for shown in states.values()]
    assert {shown.icon for shown in drawn} <= set(MANIFEST["icons"])
    assert {shown.tone for shown in drawn} == {"act", "wait", "ok", "bad", "off", "test"}
    assert look("never_drawn").label == "Never drawn"


def test_nothing_inline_gets_through() -> None:
    for blocked in ("onclick", "style", "hx_on"):
        with pytest.raises(AssertionError):
            attributes({blocked: "alert(1)"})
    assert attributes({"hx_post": '"><script>'}) == ' hx-post="&#34;&gt;&lt;script&gt;"'
    assert attributes({"hidden": True, "open": False, "name": None}) == " hidden"


def test_what_people_wrote_is_escaped_in_every_component(desk: Flask) -> None:
    page = render(desk, "{{ ui.button(x, about=x) }}{{ ui.field(x, 'f', value=x, hint=x, error=x) }}{{ ui.notice(x) }}"
                        "{{ ui.requisite(x, x) }}{{ ui.fact(x, x) }}{{ ui.copy(x) }}{{ ui.empty(x) }}"
                        "{{ ui.select(x, 's', [(x, x)], value=x) }}{{ ui.badge(x) }}{{ ui.id(x) }}",
                  x="<b onclick='x'>\"")
    assert "<b onclick" not in page


def test_a_form_may_lack_a_key_and_a_page_may_not_lack_a_name(desk: Flask) -> None:
    assert "field-error" not in render(desk, "{{ ui.field('A', 'a', values.a, error=wrong.a) }}", values={}, wrong={})
    with pytest.raises(UndefinedError):
        render(desk, "{{ nobody_gave_this }}")
    with pytest.raises(UndefinedError):
        render(desk, "{{ order.amuont }}", order=SimpleNamespace(amount=1))


def test_a_field_says_what_is_wrong_to_those_who_cannot_see_it(desk: Flask) -> None:
    page = render(desk, "{{ ui.field('Amount', 'amount', value='12,5', type='number', error='Too few digits') }}")
    assert 'aria-invalid="true"' in page
    assert 'aria-describedby="field-amount-error"' in page
    assert 'type="text"' in page
    assert 'value="12,5"' in page


def test_a_password_is_never_sent_back(desk: Flask) -> None:
    assert "secret" not in render(desk, "{{ ui.field('P', 'password', value='secret', type='password') }}")


def test_every_post_form_of_a_component_carries_the_token(desk: Flask) -> None:
    page = render(desk, "{{ ui.act('a', '/a') }}{{ ui.switch('s', true, '/s') }}{{ ui.menu_item('m', action='/m') }}"
                        "{% call ui.confirm('c', '/c', 'C') %}{% endcall %}")
    assert page.count('method="post"') == page.count('name="csrf_token"') == 4


def test_a_filter_keeps_the_others_and_starts_from_the_first_page(desk: Flask) -> None:
    page = render(desk, "{{ ui.chips('State', 'state', [(none, 'All'), ('paid', 'Paid')], value='paid') }}")
    assert 'href="/?store=1"' in page
    assert 'href="/?store=1&amp;state=paid" aria-current="true"' in page


def test_the_payment_page_stays_light() -> None:
    parts = ("pay.css", "pay.js", "pay-icons.svg")
    assert sum(MANIFEST[part]["bytes"] for part in parts) + PAY_HTML_BYTES <= PAY_PAGE_MAX_BYTES


def test_what_is_built_is_what_is_committed() -> None:
    files = {entry["file"] for entry in MANIFEST.values() if isinstance(entry, dict)}
    there = {path.name for path in (ROOT / "static/vendor").iterdir()}
    assert files | {"manifest.json"} == {name for name in there if not name.startswith("LICENCE-")}
