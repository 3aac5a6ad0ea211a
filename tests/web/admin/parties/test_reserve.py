"""What a shop waits for: asked for and decided by pages, told to the merchant, to staff and to its system."""
import pytest
from flask import Flask

from tests import factories as f
from tests import people
from tests.treasury.test_reserve import release, terms
from tests.web.forms import to


@pytest.fixture
def merchant(app: Flask, cast: f.Cast) -> people.Seat:
    return people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))


def test_other_terms_wait_for_a_second_person(app: Flask, cast: f.Cast) -> None:
    author, second = (people.seat(app, people.person("admin")) for _ in range(2))
    url = f"/admin/stores/{cast.store.public_id}/reserve"
    form = to(author.get(url).text, url)
    sent = {name: values[-1] for name, values in form.sent.items()} | {
        "reserve_percent": "12,5", "reserve_days": "90", "delay_days": "2", "reason": "New shop"}
    assert author.post(url, data=sent).status_code == 303
    page = author.get(url).text
    assert "Waits for a second person." in page
    approval = page.partition("/admin/approvals/")[2].partition('"')[0]
    shown = second.get(f"/admin/approvals/{approval}").text
    assert "12.5" in shown
    assert "Rolling reserve" in shown
    assert second.send(f"/admin/approvals/{approval}/decision", {"decision": "approve"}).status_code == 303
    assert "Set what a store waits for" in author.get(url).text


def test_what_is_wrong_is_said(app: Flask, cast: f.Cast) -> None:
    staff = people.seat(app, people.person("admin"))
    url = f"/admin/stores/{cast.store.public_id}/reserve"
    answer = staff.send(url, {"reserve_percent": "10", "reserve_days": "0", "delay_days": "0", "reason": "x"})
    assert answer.status_code == 422
    assert "A share goes with days" in answer.text
    assert people.seat(app, people.person("support_readonly")).send(url, {}).status_code == 403


def test_the_merchant_sees_what_waits_and_when_it_comes(cast: f.Cast, merchant: people.Seat) -> None:
    before = merchant.get("/merchant/balance").text
    assert "Kept back" not in before
    terms(cast.store, "10", 30, 2)
    f.completed_payin(cast)
    page = merchant.get("/merchant/balance").text
    for words in ("What comes free and when", "10\N{NO-BREAK SPACE}%", "30 days", "after 2 days", "1.589674",
                  "14.307065"):
        assert words in page, words
    kept = merchant.get("/merchant/balance?of=reserve").text
    assert "15.896739" in kept
    assert merchant.get("/merchant/balance?of=fees").status_code == 404
    file = merchant.get("/merchant/balance/statement.csv?of=reserve").text
    assert "Kept back" in file
    release(2)
    assert "Kept-back money freed" in merchant.get("/merchant/balance").text
