"""Taking an order in: once per key, within what the store takes, at a rate and a fee that stay."""
from datetime import timedelta
from secrets import token_hex

import pytest
from sqlalchemy import func, select

from portal.core import clock
from portal.core.access import SYSTEM
from portal.core.commands import bind
from portal.core.errors import Invalid
from portal.core.jobs import Job
from portal.orders.commands import CreatePayin, leads_to
from portal.orders.intake.create import ExternalIdTaken, request_hash
from portal.orders.models import Order, OrderEvent
from portal.parties import merchants, stores
from portal.parties.commands import MoveMerchant, MoveStore
from portal.parties.models import StoreCurrency
from portal.parties.stores import StoreSuspended
from portal.reference import service as reference_service
from portal.reference.commands import SetRate
from portal.tariffs import AmountTooSmall
from portal.tariffs.commands import SetFee
from portal.tariffs.service import set_fee
from tests import factories as f
from tests.factories import usdt


def orders_of(cast) -> int:
    with f.look() as session:
        return session.scalar(select(func.count()).select_from(Order).where(Order.store_id == cast.store.id))


def refused_fields(cast, **asked) -> set[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        f.create_payin(cast, **asked)
    assert orders_of(cast) == 0
    return {(field.field, field.code) for field in refused.value.fields}


def test_an_order_with_its_event_and_its_job(cast):
    order = f.fresh(cast.order("1500.00", description="Order 1042", metadata={"cart": "9"}))
    assert (order.status, order.version, order.live, order.tries) == ("new", 1, True, 0)
    assert order.match_by - order.created_at == timedelta(seconds=180)
    with f.look() as session:
        event = session.scalars(select(OrderEvent).where(OrderEvent.order_id == order.id)).one()
        assert session.scalars(select(Job).where(Job.reference == order.id)).one().kind == "match_order"
    assert (event.type, event.version, event.actor_kind, event.actor_name) == ("payin.new", 1, "key", "key")
    assert event.payload["id"] == order.public_id


def test_the_same_key_gives_the_first_order_again(ready):
    first = f.create_payin(ready, idempotency_key="k", external_id="e")
    f.work_off()
    again = f.create_payin(ready, idempotency_key="k", external_id="e")
    assert again.replayed
    assert again.same_body
    assert again.order.id == first.order.id
    assert again.answer == first.answer  # as it was at creation, though it is assigned by now
    assert f.fresh(first.order).status == "assigned"
    assert orders_of(ready) == 1


def test_the_same_key_with_another_body_is_noticed(cast):
    f.create_payin(cast, idempotency_key="k", external_id="e")
    again = f.create_payin(cast, "1600.00", idempotency_key="k", external_id="e")
    assert again.replayed
    assert not again.same_body
    assert orders_of(cast) == 1


def test_a_field_left_at_its_default_is_the_same_body(cast):
    f.create_payin(cast, idempotency_key="k", external_id="e")
    assert f.create_payin(cast, idempotency_key="k", external_id="e", metadata={}, description=None).same_body


def test_sixteen_at_once_with_one_key_make_one_order(app, cast):
    made = f.at_the_same_time(app, [lambda: f.create_payin(cast, idempotency_key="k", external_id="e")] * 16)
    assert len({one.order.id for one in made}) == 1
    assert [one.replayed for one in made].count(False) == 1
    assert orders_of(cast) == 1


def test_sixteen_keys_at_once_with_one_external_id_make_one_order(app, cast):
    made = f.at_the_same_time(app, [lambda: f.create_payin(cast, external_id="e")] * 16)
    assert sum(isinstance(one, ExternalIdTaken) for one in made) == 15
    assert orders_of(cast) == 1


def test_an_external_id_is_taken_once_and_names_the_first_order(cast):
    first = f.create_payin(cast, external_id="e").order
    with pytest.raises(ExternalIdTaken) as refused:
        f.create_payin(cast, external_id="e")
    assert refused.value.details["order_id"] == first.public_id


def test_keys_and_external_ids_of_two_stores_and_two_modes_are_apart(cast, stranger):
    made = [f.create_payin(of, actor=actor, idempotency_key="k", external_id="e")
            for of, actor in ((cast, cast.key), (cast, cast.test_key), (stranger, stranger.key))]
    assert not any(one.replayed for one in made)
    assert [one.order.live for one in made] == [True, False, True]


@pytest.mark.parametrize("amount", ["49.99", "100000.01"])
def test_amounts_outside_the_stores_range_are_refused(cast, amount):
    assert refused_fields(cast, amount=amount) == {("/amount", "amount_out_of_range")}


@pytest.mark.parametrize("amount", ["50.00", "100000.00"])
def test_both_ends_of_the_range_are_taken(cast, amount):
    assert cast.order(amount).amount.text == amount


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "1500", "1500.0", "1e3", "1500.000", " 1500.00", "1 500.00", "NaN",
                                    "٣.٠٠", "", "99999999999999999999.00", "1500,00"])
def test_what_is_no_plain_amount_of_the_scale_is_refused(cast, amount):
    with pytest.raises(Invalid) as refused:
        bind(CreatePayin, {"external_id": "e", "amount": amount, "currency": "RUB"})
    assert [field.field for field in refused.value.fields] == ["/amount"]


def test_everything_that_is_wrong_is_said_at_once(cast):
    assert refused_fields(cast, amount="1.00", method="sbp", bank="nobank", return_url="https://evil.example/x") == {
        ("/amount", "amount_out_of_range"), ("/method", "method_not_taken"), ("/bank", "unknown_bank"),
        ("/return_url", "host_not_listed")}


def test_a_currency_the_store_does_not_take(cast):
    assert refused_fields(cast, currency="KZT") == {("/currency", "currency_not_taken")}


def test_payins_switched_off_for_a_currency(cast):
    with f.act() as session:
        session.get_one(StoreCurrency, (cast.store.id, "RUB")).payin = False
    f.forget()
    assert refused_fields(cast) == {("/currency", "currency_not_taken")}


def test_the_only_method_need_not_be_named_and_of_two_one_must(cast):
    assert cast.order(method=None).method == cast.method
    with f.act() as session:
        session.get_one(StoreCurrency, (cast.store.id, "RUB")).methods = [cast.method, "card"]
    f.forget()
    with pytest.raises(Invalid) as refused:
        cast.order(method=None)
    assert refused.value.fields[0].code == "missing"


def test_a_listed_return_address_is_taken(cast):
    assert cast.order(return_url="https://shop.example/thanks").return_url == "https://shop.example/thanks"


@pytest.mark.parametrize("who", ["store", "merchant"])
def test_who_is_suspended_asks_for_nothing(cast, who):
    with f.act() as session:
        if who == "store":
            stores.move(session, SYSTEM, MoveStore(store_id=cast.store.id, status="suspended", reason="test"))
        else:
            merchants.move(session, SYSTEM, MoveMerchant(merchant_id=cast.merchant.id, status="suspended",
                                                         reason="test"))
    f.forget()
    with pytest.raises(StoreSuspended):
        cast.order()
    assert orders_of(cast) == 0


def test_a_fee_that_would_take_all_is_refused(cast):
    with f.act() as session:
        set_fee(session, SYSTEM, SetFee(store_id=cast.store.id, direction="payin", fee_bps=0,
                                        fee_fixed_minor=16_304_348))
    f.forget()
    with pytest.raises(AmountTooSmall):
        cast.order("1500.00")
    assert cast.order("1500.10").net == usdt("0.001087")


def test_a_new_tariff_and_a_new_rate_touch_no_stored_order(ready):
    """Fault 17: rate, tariff and fee are the order's own from its creation to its settlement."""
    order = f.assigned_payin(ready)
    try:
        with f.act() as session:
            set_fee(session, SYSTEM, SetFee(store_id=ready.store.id, direction="payin", fee_bps=500))
            reference_service.set_rate(session, SYSTEM, SetRate(base="USDT", quote="RUB", rate="100"))
        f.forget()
        later = ready.order("1400.00")
        assert (later.settlement, later.fee) == (usdt("14.000000"), usdt("0.700000"))
        f.mark_paid(ready.customer(order), order)
        f.confirm(f.its_trader(order), order)
        f.work_off("settle_order")
    finally:
        with f.act() as session:
            reference_service.set_rate(session, SYSTEM, SetRate(base="USDT", quote="RUB", rate=f.RATE))
        f.forget()
    settled = f.fresh(order)
    assert (settled.settlement, settled.fee, settled.rate) == (order.settlement, order.fee, order.rate)
    assert settled.tariff_id == order.tariff_id != later.tariff_id
    assert f.store_available(ready.store) == usdt("15.896739")


def test_the_clock_is_the_desks(cast):
    with clock.moved(timedelta(days=2)):
        assert cast.order(external_id=token_hex(4)).created_at > clock.now() - timedelta(seconds=5)


@pytest.mark.parametrize(("url", "fits"), [
    ("https://shop.example/thanks", True), ("https://shop.example:443/", True), ("http://shop.example:80/", True),
    ("http://shop.example/", True), ("https://SHOP.example?x=1", True), ("https://pay.example:8443/", True),
    ("http://127.0.0.1:8123/shop", True), ("http://localhost:5000", True),
    ("https://shop.example:22/", False), ("https://shop.example:80/", False), ("http://shop.example:443/", False),
    ("https://shop.example:8443/", False), ("https://pay.example/", False), ("https://pay.example:8444/", False),
    ("https://shop.example:0/", False), ("https://shop.example:65536/", False), ("https://shop.example:x/", False),
    ("https://shop.example.evil.example/", False), ("https://127.0.0.2:8123/", False)])
def test_a_payer_is_sent_back_to_a_listed_host_at_its_own_port(url, fits):
    """Another port of the same machine may be another's: only the scheme's own, or one that is listed."""
    hosts = frozenset({"shop.example", "pay.example:8443", "127.0.0.1", "localhost"})
    assert leads_to(url, hosts) is fits


def test_the_hash_of_a_request_is_the_same_in_every_release():
    """It is kept with the order: were it another one after an upgrade, a retry would be refused as another request."""
    sent = {"metadata": {"b": "2", "a": "1"}, "external_id": "a-1", "amount": "1500.00", "currency": "RUB",
            "description": "Две книги"}
    assert request_hash(bind(CreatePayin, sent)).hex() == (
        "eb8fbf2bc460145235b179064823436ed68ed630b2cc7d19abcb24e335e8e711")
