"""What is to be decided, as people see it: why one is not enough, and a tariff band by band; phone and desktop."""
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from portal.approvals.models import ApprovalLimit
from portal.core import clock
from portal.core.db import transaction
from portal.requisites import robots
from portal.tariffs import change_requests
from portal.tariffs.commands import AskFee
from tests import factories as f
from tests import people
from tests.approvals.test_grown import asked, decide
from tests.payouts.conftest import prefund
from tests.payouts.test_second_person import typed
from tests.running import Desk
from tests.web.browser.conftest import looking
from tests.web.stage import Stage

pytestmark = pytest.mark.browser
LOOKS = tuple(product(((1440, 900), (390, 844)), ("light", "dark"), ("en", "ru")))
LIMITED = ("deposit", "USDT")


def look_at(chromium: Browser, desk: Desk, sid: str, path: str, says: dict[str, str], pictures: Path) -> None:
    for (width, height), theme, language in LOOKS:
        with looking(chromium, desk, sid, width=width, height=height, theme=theme) as look:
            look.page.goto(f"{desk.url}{path}{'' if path.endswith('&') else '?'}lang={language}&theme={theme}")
            look.page.get_by_text(says[language]).first.wait_for()
            look.page.screenshot(path=pictures / f"{width}-{theme}-{language}.png", full_page=True)
            assert not look.axe()
            assert not look.broken()
            assert not look.complaints


@pytest.mark.slow
def test_a_tariff_is_shown_band_by_band(chromium: Browser, desk: Desk, stage: Stage, tmp_path: Path) -> None:
    with stage.app.app_context():
        cast = f.new_cast(fee_bps=250)
        cast.requisite(cast.trader())
        with clock.moved(clock.midnight_before(clock.today()) - timedelta(hours=12) - clock.now()):
            for amount in ("1500.00", "2000.00", "3000.00"):
                f.completed_payin(cast, amount)
        with f.act() as session:
            approval = change_requests.ask_fee(session, f.staff("admin"), AskFee(
                store_id=cast.store.id, direction="payin", fee_percent="1.75", fee_fixed="0.01", currency="RUB",
                from_amount="2000", to_amount="5000", reason="More of the large ones"))
        sid = people.seat(stage.app, people.person("super_admin")).sid
    look_at(chromium, desk, sid, f"/admin/approvals/{approval.public_id}",
            {"en": "New band", "ru": "Новая полоса"}, tmp_path)


@pytest.mark.slow
def test_why_somebody_else_is_needed(chromium: Browser, desk: Desk, stage: Stage, tmp_path: Path) -> None:
    with stage.app.app_context():
        with transaction() as session:
            session.merge(ApprovalLimit(kind=LIMITED[0], currency=LIMITED[1], alone_max_minor=100_000_000))
        try:
            person, trader = people.person("super_admin"), f.new_cast().trader()
            decide(asked(trader, person.actor, "60"), person.actor)
            approval, sid = asked(trader, person.actor, "50"), people.seat(stage.app, person).sid
            look_at(chromium, desk, sid, f"/admin/approvals/{approval.public_id}",
                    {"en": "so somebody else decides", "ru": "поэтому решает кто-то другой"}, tmp_path)
        finally:
            with transaction() as session:
                session.merge(ApprovalLimit(kind=LIMITED[0], currency=LIMITED[1], alone_max_minor=0))


@pytest.mark.slow
def test_the_chosen_are_shown_with_their_sums(chromium: Browser, desk: Desk, stage: Stage, tmp_path: Path) -> None:
    with stage.app.app_context():
        trader, by = f.new_cast().trader(), f.staff("admin")
        wanted = [asked(trader, by, amount).public_id for amount in ("12.5", "30", "1200")]
        sid = people.seat(stage.app, people.person("super_admin")).sid
    look_at(chromium, desk, sid, "/admin/approvals/chosen?" + "".join(f"approval_id={one}&" for one in wanted),
            {"en": "Approve 3", "ru": "Одобрить 3"}, tmp_path)


@pytest.mark.slow
def test_why_a_piece_of_a_payout_waits(chromium: Browser, desk: Desk, stage: Stage, tmp_path: Path) -> None:
    with stage.app.app_context():
        cast = f.new_cast()
        cast.requisite(payout=True)
        prefund(cast, "1000.000000")
        f.change(cast.store, payout_alone_max_minor=20_000_000)
        seat = people.seat(stage.app, people.person("merchant_owner", merchant_id=cast.merchant.id))
        typed(seat, cast, external_id="")
        path = typed(seat, cast, external_id="", number=robots.test_number("luhn16", "other")).headers["Location"]
        sid = seat.sid
    look_at(chromium, desk, sid, path, {"en": "in the 24 hours before", "ru": "За 24 часа до этого"}, tmp_path)
