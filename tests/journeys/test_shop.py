"""The demo's shop on a running desk: bought there, paid, and heard of by a signed webhook."""
import re

from tests.journeys.plain_browser import PlainBrowser
from tests.journeys.test_stranger import desk, sign_in, trader_of
from tests.running import wait_for

assert desk  # the fixture: all processes with the demo's people


def test_coins_are_bought_and_paid(desk):
    buyer = PlainBrowser(desk.url)
    buyer.open("/shop")
    assert buyer.send("/shop/orders") == 200
    assert "/pay/" in buyer.url
    payment, paying = buyer.url, PlainBrowser(desk.url)
    wait_for(lambda: paying.open(payment.removeprefix(desk.url)) == 200 and "/claim" in paying.html, "it is matched")
    order_id = re.search(r"pin_\w+", paying.html)[0]
    assert paying.send("/claim") == 200
    assert trader_of(desk, order_id).send("/confirmation") == 200

    merchant = sign_in(desk, "merchant1")
    merchant.open(f"/merchant/orders/{order_id}")
    shop_page = "/shop/orders/" + re.search(r"shop-(\w+)", merchant.html)[1]
    wait_for(lambda: buyer.open(shop_page) == 200 and "payin.completed" in buyer.text, "the shop hears of it")
    assert "signature verified" in buyer.text
    assert "Thank you" in buyer.text
