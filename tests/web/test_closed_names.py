"""Pages with a name, or a secret, that does not open: all the rest of it is shown, and that it does not."""
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from portal.core import clock, crypto, jobs
from portal.parties.models import Holder
from portal.requisites import service
from portal.requisites.commands import AddRequisite
from portal.requisites.robots import test_number as a_number
from portal.webhooks import queries
from portal.webhooks import service as webhooks
from portal.webhooks.commands import CreateEndpoint
from tests import factories as f
from tests import people
from tests.risk import rulebook

CLOSED = "Name not opened"
SAID = "a key is missing from MASTER_KEYS, or its row is broken"


def cut(place: str) -> bytes:
    return crypto.seal("I PETROV", place=place)[:8]


@pytest.fixture
def cast(fresh_app) -> f.Cast:
    """The database is this test's own: no process starts on one that holds what none of its keys opens."""
    made = f.new_cast()
    made.requisite(made.trader(), payout=True)
    return made


def test_a_payout_is_looked_at_and_sent_without_its_recipients_name(fresh_app, cast):
    """The three pages of such an order were a 500: nobody could look at it, nor its trader send it by the number."""
    order = f.accepted_payout(cast)
    f.change(order, recipient_sealed=cut("orders|recipient_sealed|x"))
    seats = {f"/admin/orders/{order.public_id}": people.person("super_admin"),
             f"/merchant/payouts/{order.public_id}": people.person("merchant_owner", merchant_id=cast.merchant.id),
             f"/trader/payouts/{order.public_id}": people.person("trader", trader_id=cast.traders[0].id)}
    for page, person in seats.items():
        with capture_logs() as said:
            answer = people.seat(fresh_app, person).get(page)
        assert answer.status_code == 200, page
        assert CLOSED in answer.text, page
        [line] = [one for one in said if one["event"] == "seal_not_opened"]
        assert (line["log_level"], str(order.id) in line["place"]) == ("error", True), "whose it is, for who mends it"
    assert "I have sent the money" in answer.text


def test_a_name_on_a_requisite_that_does_not_open_ends_no_page_and_no_list(fresh_app, cast):
    """A trader's requisites, and all approvals of the desk, were a 500 for the sake of one row."""
    trader = cast.traders[0]
    with f.act() as session:
        made = service.add(session, f.as_trader(trader), AddRequisite(
            method=cast.method, currency="RUB", number=a_number("luhn16", "closed"), holder="ANNA LIND",
            min_amount="100", max_amount="5000"))
    with f.look() as session:
        holder = session.get_one(Holder, made.holder_id)
    f.change(holder, name_sealed=cut("holders|name_sealed|x"))
    staff = people.seat(fresh_app, people.person("super_admin"))
    theirs = people.seat(fresh_app, people.person("trader", trader_id=trader.id)).get("/trader/requisites")
    one = staff.get(f"/admin/requisites/{made.public_id}")
    holders_page = "/admin/holders/" + one.text.partition("/admin/holders/")[2].partition('"')[0]
    for answer in (theirs, one, staff.get(holders_page)):
        assert answer.status_code == 200
        assert CLOSED in answer.text
    listed = staff.get("/admin/approvals?kind=requisite")
    assert listed.status_code == 200
    assert "The name of the person on it does not open." in listed.text


def test_a_secret_that_does_not_open_is_told_once_with_the_way_on(fresh_app, cast):
    """It was said again under each try, and not that a new secret heals it; staff read of tries that took 0 ms."""
    with f.act() as session:
        endpoint, _ = webhooks.create_endpoint(
            session, cast.key, CreateEndpoint(url="http://127.0.0.1:9/", events=["*"]))
    f.change(endpoint, secret_sealed=b"gone.of a key that is no more")
    order = f.create_payin(cast).order
    for later in (timedelta(0), timedelta(seconds=10)):
        with clock.moved(later):
            while jobs.run("deliver_webhook"):
                pass
    with f.look() as session:
        [delivery] = queries.deliveries_of_order(session, cast.owner, order.id)
    owner = people.seat(fresh_app, people.person("merchant_owner", merchant_id=cast.merchant.id))
    page = owner.get(f"/merchant/developers/deliveries/{delivery.public_id}").text
    assert page.count("Secret not opened") == 2
    assert page.count("Give it a new one") == 1
    assert f'href="/merchant/developers/endpoints/{endpoint.public_id}/secret"' in page
    staffs = people.seat(fresh_app, people.person("super_admin")).get(f"/admin/orders/{order.public_id}").text
    assert staffs.count("Secret not opened") == 3, "each try's, and the last one's before they are unfolded"
    assert "0\N{NO-BREAK SPACE}ms" not in staffs


def test_an_order_that_ended_by_it_says_what_to_mend(fresh_app, cast):
    """A list asks for the recipient's name, so the payout fails: its page said "Matching error", and no more."""
    staff = people.seat(fresh_app, people.person("super_admin"))
    rulebook.entry(cast, "holder", "Somebody Else")
    f.deposit_to(f.ledger.store_available(cast.store.id, "USDT", True), "100.000000")
    order = f.create_payout(cast).order
    f.change(order, recipient_sealed=cut("orders|recipient_sealed|x"))
    for attempt in range(10):
        with clock.moved(timedelta(minutes=attempt)):
            f.work_off("match_order")
        if attempt == 0:
            assert SAID in staff.get("/admin/jobs?state=waiting").text
    assert (f.fresh(order).status, f.fresh(order).failure_code) == ("failed", "matching_error")
    page = staff.get(f"/admin/orders/{order.public_id}").text
    assert "A fault inside matching ended this order" in page
    assert SAID in page
