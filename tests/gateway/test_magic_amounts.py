"""Every amount that chooses an outcome, as a developer tries them all: by a test key, `advance` and nobody else."""
import time

import pytest

from portal.requisites import robots
from portal.requisites.test_outcomes import ROWS
from tests import factories as f

WITHIN_S = 60  # all of them together
DAY = {"seconds": 86_400}
PAYINS = {"00": "completed", "01": "completed", "02": "disputed", "03": "completed", "04": "expired", "05": "completed",
          "06": "failed", "07": "completed", "08": "completed", "09": "cancelled", "10": "completed", "11": "failed"}
PAYOUTS = PAYINS | {"02": "completed", "08": "cancelled", "09": "completed"}


@pytest.fixture
def robot(test_shop, method):
    with f.act() as session:
        robots.ensure(session, "USDT", methods=[method])
        f.set_fee(session, f.SYSTEM, f.SetFee(store_id=test_shop.store.id, direction="payout", fee_bps=250))
    f.forget()


def test_all_of_them_in_a_minute(test_shop, payin, method, robot):
    began = time.monotonic()
    paid_in = {digits: play(test_shop, "payins", payin(amount=f"1500.{digits}")) for digits in PAYINS}
    recipient = {"method": method, "number": robots.test_number("luhn16", "x")}
    paid_out = {digits: play(test_shop, "payouts", {
        "external_id": f"out-{digits}", "amount": f"60.{digits}", "currency": "RUB", "destination": recipient})
        for digits in PAYOUTS}
    took = time.monotonic() - began
    assert {digits: order["status"] for digits, order in paid_in.items()} == PAYINS
    assert {digits: order["status"] for digits, order in paid_out.items()} == PAYOUTS
    assert list(PAYINS) == [row.ends_in for row in ROWS], "and these are all there are"
    assert took < WITHIN_S
    assert [paid_in[digits]["exactness"] for digits in ("00", "02", "03")] == ["exact", "under", "over"]
    assert (paid_in["05"]["late"], paid_in["06"]["failure"]["code"], paid_in["11"]["failure"]["code"]) == (
        True, "no_requisite", "refused")
    assert paid_out["02"]["amount_received"] == "54.01"


def play(shop, kind, body):
    """From the order to its end, within its answers; where the customer's word is waited for, the shop gives it."""
    made = shop.post(f"/{kind}", body, key=body["external_id"])
    assert made.status_code == 201, made.json
    order = made.json
    if (kind, body["amount"][-2:]) == ("payins", "01"):
        assert advanced(shop, kind, order, seconds=5)["status"] == "assigned"
        assert shop.post(f"/payins/{order['id']}/mark-paid").status_code == 200
    return advanced(shop, kind, order, **DAY)


def advanced(shop, kind, order, seconds):
    answer = shop.post(f"/{kind}/{order['id']}/advance", {"seconds": seconds})
    assert answer.status_code == 200, answer.json
    return answer.json
