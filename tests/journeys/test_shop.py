"""The demo's shop on a running desk: bought there, paid, and heard of by a signed webhook."""
import re
from itertools import count

import pytest

from tests.journeys.plain_browser import PlainBrowser
from tests.journeys.test_stranger import Gateway, desk, sign_in, trader_of
from tests.running import wait_for

assert desk  # the fixture: all processes with the demo's people


def test_coins_are_bought_and_paid(desk):
    buyer = PlainBrowser(desk.url)
    buyer.open("/shop")
    assert buyer.send("/shop/orders") == 200
    assert "/pay/" in buyer.url
    payment, paying, looks = buyer.url, PlainBrowser(desk.url), count()

    def matched() -> bool:
        """Not by every look: a payment page is shown sixty times a minute."""
        return next(looks) % 40 == 0 and paying.open(payment.removeprefix(desk.url)) == 200 and "/claim" in paying.html

    wait_for(matched, "it is matched")
    order_id = re.search(r"pin_\w+", paying.html)[0]
    assert paying.send("/claim") == 200
    assert trader_of(desk, order_id).send("/confirmation") == 200

    merchant = sign_in(desk, "merchant1")
    merchant.open(f"/merchant/orders/{order_id}")
    shop_page = "/shop/orders/" + re.search(r"shop-(\w+)", merchant.html)[1]
    wait_for(lambda: buyer.open(shop_page) == 200 and "payin.completed" in buyer.text, "the shop hears of it")
    assert "signature verified" in buyer.text
    assert "Thank you" in buyer.text


def bought(buyer: PlainBrowser) -> tuple[str, str]:
    """Its page in the shop, and the payin's id, matched."""
    buyer.open("/shop")
    cart = next(form.fields["cart"] for form in buyer.forms if form.action.endswith("/shop/orders"))
    assert buyer.send("/shop/orders") == 200
    page = f"/shop/orders/{cart}"
    wait_for(lambda: buyer.open(page) == 200 and "Waiting for payment" in buyer.text, "it is matched")
    return page, re.search(r"pin_\w+", buyer.html)[0]


def claimed(buyer: PlainBrowser, page: str) -> None:
    buyer.open(page)
    buyer.open(re.search(r'href="([^"]*/pay/[^"]+)"', buyer.html)[1])
    assert buyer.send("/claim") == 200


def hears(buyer: PlainBrowser, page: str, type: str) -> None:
    wait_for(lambda: buyer.open(page) == 200 and f"{type} signature verified" in buyer.text, f"the shop hears {type}")


@pytest.mark.slow
def test_what_comes_after_the_sale_is_heard_of_too(desk):
    buyer = PlainBrowser(desk.url)
    page, _ = bought(buyer)
    assert buyer.send("/cancellation") == 200
    hears(buyer, page, "payin.cancelled")

    page, _ = bought(buyer)
    claimed(buyer, page)
    buyer.open(f"{page}/dispute")
    assert buyer.send("/dispute", text="Paid at noon") == 200
    hears(buyer, page, "payin.disputed")
    hears(buyer, page, "dispute.opened")

    page, order_id = bought(buyer)
    claimed(buyer, page)
    assert trader_of(desk, order_id).send("/confirmation") == 200
    wait_for(lambda: buyer.open(f"{page}/refund") == 200 and buyer.url.endswith("/refund"), "it is completed")
    assert buyer.send("/refund", number="2200 1500 0000 0007") == 200
    refund_id = re.search(r"pout_\w+", buyer.html)[0]
    Gateway(desk, store="games").post(f"/payouts/{refund_id}/cancel", {}, key="called-off")
    hears(buyer, page, "payout.cancelled")
    assert "It could not be sent." in buyer.text
