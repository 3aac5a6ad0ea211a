"""Balances put right by pages alone, never by one person alone; entries reversed; suspense placed."""
import re

import pytest
from flask import Flask

from portal import ledger
from tests import factories as f
from tests import people
from tests.treasury import books
from tests.web.forms import to


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    made = f.new_cast()
    f.deposit_to(ledger.store_available(made.store.id, "USDT", True), "100.000000")
    return made


@pytest.fixture
def author(app: Flask) -> people.Seat:
    return people.seat(app, people.person("admin"))


@pytest.fixture
def second(app: Flask) -> people.Seat:
    return people.seat(app, people.person("admin"))


def asked(seat: people.Seat, cast: f.Cast, **fields: str):
    """The form as it stands on the page, filled in."""
    url = f"/admin/treasury/adjustments/new?owner={cast.store.public_id}"
    action = f"/admin/treasury/adjustments?owner={cast.store.public_id}"
    form = to(seat.get(url).text, "/admin/treasury/adjustments")
    sent = {name: values[-1] for name, values in form.sent.items()} | {
        "amount": "12.50", "direction": "credit", "code": "mistake", "reason": "Counted twice",
        "proof_password": people.PASSWORD} | fields
    return seat.post(action, data=sent)


def has(cast: f.Cast) -> str:
    return f.store_available(cast.store).text


def test_refused_to_its_author_then_approved_by_a_second(cast: f.Cast, author: people.Seat,
                                                         second: people.Seat) -> None:
    answer = asked(author, cast)
    assert answer.status_code == 303
    page = author.get(answer.location).text
    assert "You asked for this: somebody else decides." in page
    assert "What would be posted" in page
    own = author.send(f"{answer.location}/decision", {"decision": "approve"})
    assert own.status_code == 403
    assert has(cast) == "100.000000"
    shown = second.get(answer.location).text
    for words in ("112.5", "Platform suspense", "Something was posted by mistake", "Counted twice"):
        assert words in shown
    assert second.send(f"{answer.location}/decision", {"decision": "approve"}).status_code == 303
    assert has(cast) == "112.500000"
    listed = second.get("/admin/treasury/adjustments").text
    assert "In the books" in listed
    assert cast.store.name in listed


def test_sent_twice_is_asked_once(cast: f.Cast, author: people.Seat) -> None:
    url = f"/admin/treasury/adjustments?owner={cast.store.public_id}"
    form = {"amount": "1", "direction": "credit", "currency": "USDT", "code": "other", "reason": "x",
            "idempotency_key": "the-same-form"}
    first, again = author.send(url, form), author.send(url, form)
    assert first.location == again.location


def test_what_is_wrong_is_said_at_the_field(cast: f.Cast, author: people.Seat) -> None:
    answer = asked(author, cast, amount="12.5000001", code="goodwill", direction="debit")
    assert answer.status_code == 422
    assert "Money goes the other way for this reason." in answer.text
    assert "Counted twice" in answer.text


def test_its_owner_is_found_by_name(cast: f.Cast, author: people.Seat) -> None:
    page = author.get("/admin/treasury/adjustments/new", query_string={"q": cast.store.public_id}).text
    assert f"owner={cast.store.public_id}" in page
    assert "fits this" in author.get("/admin/treasury/adjustments/new?q=nobody-has-this-name").text
    assert author.get("/admin/treasury/adjustments/new?owner=str_00000000000000000000000000").status_code == 404


@pytest.mark.parametrize(("owner", "words"), [("desk", "The desk bears what suspense lacks"),
                                              ("outside", "It came in, and lies in suspense")])
def test_the_desk_and_the_outside(author: people.Seat, app: Flask, owner: str, words: str) -> None:
    assert words in author.get(f"/admin/treasury/adjustments/new?owner={owner}").text


def test_suspense_is_seen_and_placed(cast: f.Cast, author: people.Seat) -> None:
    books.adjusted("world", amount="30", direction="debit", code="unplaced")
    page = author.get("/admin/treasury/suspense?currency=USDT").text
    assert "In suspense" in page
    assert "World external" in page
    assert author.get("/admin/treasury/suspense?currency=XXX").status_code == 404
    link = re.search(r'href="(/admin/treasury/adjustments/new\?[^"]*)"', page)
    assert link is not None
    assert author.get(link[1].replace("&amp;", "&")).status_code == 200


def test_an_entry_is_reversed_from_its_page(cast: f.Cast, author: people.Seat, second: people.Seat) -> None:
    entry = books.entry_of(books.adjusted("store", cast.store.id).id)
    url = f"/admin/ledger/entries/{entry}"
    form = to(author.get(url).text, f"{url}/reversal")
    sent = {name: values[-1] for name, values in form.sent.items()} | {
        "reason": "Posted twice", "proof_password": people.PASSWORD}
    assert author.post(f"{url}/reversal", data=sent).status_code == 303
    page = author.get(url).text
    assert "Waits for a second person." in page
    assert "/reversal" not in page
    approval = re.search(r"/admin/approvals/(apr_\w+)", page)
    assert approval is not None
    assert f"Entry {entry}" in second.get(f"/admin/approvals/{approval[1]}").text
    assert second.send(f"/admin/approvals/{approval[1]}/decision", {"decision": "approve"}).status_code == 303
    assert has(cast) == "100.000000"
    assert "Reversed by" in author.get(url).text
    assert "Reversed" in author.get("/admin/treasury/adjustments").text


def test_an_orders_entry_offers_no_reversal(cast: f.Cast, author: people.Seat) -> None:
    cast.requisite()
    entry = books.entry_of(f.completed_payin(cast).id)
    page = author.get(f"/admin/ledger/entries/{entry}").text
    assert "never reversed" in page
    refused = author.send(f"/admin/ledger/entries/{entry}/reversal", {"reason": "x"})
    assert refused.status_code == 409
    assert "put right where it came from" in refused.text
