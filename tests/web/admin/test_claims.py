"""What is owed to the desk, where staff look for it."""
from flask import Flask

from portal import ledger
from tests import factories as f
from tests import people
from tests.treasury import books


def test_a_claim_is_listed_until_it_is_paid_and_then_among_those_paid(app: Flask) -> None:
    cast = f.new_cast()
    f.deposit_to(ledger.store_available(cast.store.id, "USDT", True), "100.000000")
    approval = books.adjusted("store", cast.store.id, "140", direction="debit", code="taken_back")
    seat = people.seat(app, people.person("support_traders"))
    assert approval.public_id in seat.get("/admin/treasury/claims").text
    assert approval.public_id not in seat.get("/admin/treasury/claims?view=paid").text
    books.adjusted("store", cast.store.id, "55")
    assert approval.public_id not in seat.get("/admin/treasury/claims").text
    paid = seat.get("/admin/treasury/claims?view=paid").text
    assert approval.public_id in paid
    assert cast.store.name in paid
