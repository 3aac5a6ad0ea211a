"""Fault 17: what an order was made by is what it is settled by, whatever staff set afterwards."""
import pytest

from portal import reference
from portal.core.access import SYSTEM
from portal.core.db import transaction
from portal.reference.commands import SetRate
from portal.reference.service import set_rate
from portal.tariffs.commands import SetFee
from portal.tariffs.service import set_fee
from tests.factories import RATE, create_payin, forget, fresh, new_cast, rub, usdt


@pytest.fixture
def rates(app):
    """Whatever a test sets, the next one finds the usual rate."""
    def set_to(rate: str, **more) -> None:
        with transaction() as session:
            set_rate(session, SYSTEM, SetRate(base="USDT", quote="RUB", rate=rate, force=True, **more))
        reference.forget()

    yield set_to
    set_to(RATE)


def test_a_changed_tariff_and_rate_do_not_touch_a_stored_order(rates):
    cast = new_cast(fee_bps=250)
    order = cast.order("1500.00")
    assert (order.settlement, order.fee, order.net) == (usdt("16.304348"), usdt("0.407609"), usdt("15.896739"))
    with transaction() as session:
        newer = set_fee(session, SYSTEM, SetFee(store_id=cast.store.id, direction="payin", fee_bps=900))
    rates("50")
    forget()
    kept, later = fresh(order), cast.order("1500.00")
    assert (kept.settlement, kept.fee, kept.rate, kept.tariff_id) == (order.settlement, order.fee, 92, order.tariff_id)
    assert (later.settlement, later.fee, later.rate, later.tariff_id) == (
        usdt("30.000000"), usdt("2.700000"), 50, newer.id)
    assert later.amount == kept.amount == rub("1500.00")


def test_a_stale_feed_takes_no_orders(rates):
    from datetime import timedelta

    from portal.core import clock

    cast = new_cast()
    rates("93", source="feed")
    assert create_payin(cast).order.rate == 93
    with clock.moved(timedelta(hours=2)), pytest.raises(reference.RateUnavailable):
        create_payin(cast)
