"""GET /availability: could it be matched now, and why not."""
from urllib.parse import urlencode

import pytest

from tests import factories as f


@pytest.fixture
def cast(fresh_app) -> f.Cast:
    made = f.new_cast()
    made.requisite(made.trader())
    return made


def test_as_matching_would_find_it(cast):
    from portal.core.db import reader
    from portal.orders.reading.availability import Available, available
    from portal.orders.reading.calculator import AskCost

    def asked(amount: str, bank: str | None = None, live: bool = True) -> Available:
        reader().rollback()
        return available(reader(), cast.key if live else f.Cast(cast.method, cast.merchant, cast.store, False).key,
                         AskCost(store_id=cast.store.id, direction="payin", currency="RUB", method=cast.method,
                                 amount=amount), bank=bank)

    assert asked("1500.00") == Available(True)
    assert asked("1500.00", bank="alfa") == Available(True)
    assert asked("1500.00", bank="sber") == Available(False, "no_requisite")
    assert asked("60000.00") == Available(False, "no_requisite")
    order = f.assigned_payin(cast, "1500.00")
    assert asked("1500.00") == Available(False, "limits_reached")
    assert asked("1501.00") == Available(True)
    assert f.fresh(order).tries == 1, "asking counts nothing"
    f.spend(cast.traders[0], f.trader_available(cast.traders[0]) - f.usdt("10.000000"))
    assert asked("1501.00") == Available(False, "no_collateral")


def test_over_json(test_shop, payin):
    """The shop of these tests has nobody to take its orders."""
    order = test_shop.post("/payins", payin()).json
    asked = {"kind": "payin", "currency": order["currency"], "method": order["method"], "amount": order["amount"]}
    answer = test_shop.get(f"/availability?{urlencode(asked)}")
    assert (answer.status_code, answer.json) == (200, {
        "object": "availability", "kind": "payin", "available": False, "reason": "no_requisite"})
    for wrong in ({"kind": "x"}, {"amount": "1e3"}, {"currency": "ZZZ"}, {"amount": "0.00"}, {"bank": "A B"}):
        assert test_shop.get(f"/availability?{urlencode(asked | wrong)}").status_code == 422, wrong
