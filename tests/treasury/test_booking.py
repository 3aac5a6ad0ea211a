"""What treasury moves on a store's balance is told to it, as its statement has it; and foreseen, claims included."""
import pytest
from flask import Flask

from portal import ledger
from portal.treasury import postings_preview
from portal.webhooks import service as webhooks
from portal.webhooks.commands import CreateEndpoint
from portal.webhooks.models import Event
from tests import factories as f
from tests.treasury import acts, books


@pytest.fixture
def cast(app: Flask) -> f.Cast:
    made = f.new_cast()
    f.deposit_to(ledger.store_available(made.store.id, "USDT", True), "100.000000")
    made.trader(deposit="100.000000")
    with f.act() as session:
        webhooks.create_endpoint(session, made.key, CreateEndpoint(
            url="http://127.0.0.1:9/hook", events=["balance.credited", "balance.debited"]))
    return made


def told(cast: f.Cast) -> list[tuple[str, str, str, str]]:
    """(type, kind, amount, balance), oldest first."""
    with f.look() as session:
        events = session.query(Event).filter_by(store_id=cast.store.id).order_by(Event.id).all()
        lines = ledger.statement(session, ledger.store_available(cast.store.id, "USDT", True)).lines
    assert {event.payload["id"] for event in events} <= {f"ent_{line.id}" for line in lines}
    return [(event.type, event.payload["kind"], event.payload["amount"], event.payload["balance"]) for event in events]


def test_each_line_of_treasury_is_told_with_the_balance_after_it(cast: f.Cast) -> None:
    books.adjusted("store", cast.store.id, "140", direction="debit", code="taken_back")
    books.adjusted("store", cast.store.id, "55")
    withdrawal = acts.ask(cast.owner, cast, "10")
    acts.decide(withdrawal.id, "withdrawal", "reject")
    assert told(cast) == [
        ("balance.debited", "adjustment", "-100.000000", "0.000000"),
        ("balance.credited", "adjustment", "55.000000", "55.000000"),
        ("balance.debited", "claim_payment", "-40.000000", "15.000000"),
        ("balance.debited", "withdrawal_hold", "-10.000000", "5.000000"),
        ("balance.credited", "withdrawal_release", "10.000000", "15.000000")]


def test_a_trader_and_another_store_are_not_the_stores_matter(cast: f.Cast) -> None:
    books.adjusted("trader", cast.traders[0].id, "5")
    books.adjusted("store", f.new_cast().store.id, "5")
    assert told(cast) == []


def test_what_is_owed_is_in_the_preview_of_what_comes_in(cast: f.Cast) -> None:
    """A deposit's page showed the whole amount on a balance that would keep less."""
    books.adjusted("store", cast.store.id, "140", direction="debit", code="taken_back")
    owner = ledger.store_available(cast.store.id, "USDT", True)
    with f.look() as session:
        found = postings_preview.of_drafts(session, [ledger.entries.deposit(cast.store.id, owner, f.usdt("50.000000"))])
    assert [(line[0].account.purpose, line[1].account.purpose, line[2].text) for line in found.lines] == [
        ("external", "available", "50.000000"), ("available", "suspense", "40.000000")]
    (before, after) = next((before, after) for named, before, after, _ in found.moved if named.account == owner)
    assert (before.text, after.text) == ("0.000000", "10.000000")
    assert books.owed("store", cast.store.id) == "40.000000", "nothing was written"
