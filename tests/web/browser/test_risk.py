"""Risk with a real browser: a rule is written and switched on, an order waits for a person, is released and matched."""
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from playwright.sync_api import Browser

from portal.risk import rule_book
from tests import factories as f
from tests import people
from tests.running import Desk
from tests.web.browser.conftest import Look, looking
from tests.web.stage import Stage

pytestmark = pytest.mark.browser
SIZES = pytest.mark.parametrize(("width", "height", "theme"), [
    pytest.param(390, 844, "dark", id="phone"), pytest.param(1440, 900, "light", id="desktop", marks=pytest.mark.slow)])


def held(look: Look) -> None:
    assert not look.axe()
    assert not look.broken()
    assert not look.complaints


@contextmanager
def worker(app: Flask) -> Iterator[None]:
    """As a worker that has just read the rules."""
    with app.app_context():
        rule_book.forget()
        yield


@SIZES
def test_an_order_in_review_is_released(chromium: Browser, desk: Desk, stage: Stage, width: int, height: int,
                                        theme: str) -> None:
    with stage.app.app_context():
        cast = f.new_cast()
        cast.requisite()
        f.change(cast.store, name=f"Shop {cast.store.slug}")
        admin = people.seat(stage.app, people.person("admin")).sid
        support = people.seat(stage.app, people.person("support_orders")).sid
    with looking(chromium, desk, admin, width=width, height=height, theme=theme) as look:
        page = look.page
        page.goto(f"{desk.url}/admin/risk")
        held(look)
        page.locator("section").get_by_role("link", name="A large order", exact=True).click()
        page.get_by_label("Name", exact=True).fill(f"Large ones of {cast.store.slug}")
        page.get_by_label("At most").fill("1 000")
        page.get_by_label("Currency").select_option("RUB")
        page.get_by_label("Store").select_option(label=f"Shop {cast.store.slug}")
        page.get_by_label("Reason").fill("A wave of stolen cards")
        held(look)
        page.get_by_role("button", name="Add the rule").click()
        page.get_by_text("switched off. Let it run").wait_for()
        held(look)
        page.locator("#switch-reason, [name=reason]").first.fill("Replayed, it is right")
        page.get_by_role("button", name="Switch on").click()
        page.locator("dialog[open]").get_by_role("button", name="Switch on").click()
        page.get_by_text("On", exact=True).first.wait_for()
    with worker(stage.app):
        order = cast.order("1500.00", customer={"id": "c-1", "ip": "203.0.113.5"})
        f.work_off()
        assert f.fresh(order).status == "review"
    with looking(chromium, desk, support, width=width, height=height, theme=theme) as look:
        page = look.page
        page.goto(f"{desk.url}/admin/risk/reviews")
        held(look)
        row = page.locator(f"#order-{order.public_id}")
        row.get_by_role("button", name="Take it").click()
        page.get_by_text("You are on it").wait_for()
        held(look)
        page.locator("#risk [name=reason]").fill("Known since spring")
        page.get_by_role("button", name="Release").last.click()
        page.get_by_role("heading", name="Orders in review").wait_for()
        page.goto(f"{desk.url}/admin/orders/{order.public_id}")
        page.get_by_text("Released by").wait_for()
    with worker(stage.app):
        f.work_off()
        assert f.fresh(order).status == "assigned"
