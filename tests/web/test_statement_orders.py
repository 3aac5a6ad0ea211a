"""A store's statement names its own numbers: external id, gross, fee and net of each order, the same as the order's."""
import csv
import io

from flask import Flask

from tests import factories as f
from tests import people


def test_the_file_has_what_a_shops_books_want(app: Flask) -> None:
    cast = f.new_cast(fee_bps=250)
    cast.requisite(cast.trader())
    order = f.completed_payin(cast, "1500.00")
    owner = people.seat(app, people.person("merchant_owner", merchant_id=cast.merchant.id))
    text = owner.get("/merchant/balance/statement.csv").get_data(as_text=True)
    [row] = [line for line in csv.DictReader(io.StringIO(text.lstrip("\ufeff"))) if line["External id"]]
    assert (row["Order"], row["External id"], row["Gross"], row["Fee"], row["Net"], row["Amount"]) == (
        order.public_id, order.external_id, order.settlement.text, order.fee.text, order.net.text, order.net.text)
    assert order.external_id in owner.get("/merchant/balance").get_data(as_text=True)


def test_a_traders_file_tells_nothing_of_the_stores(app: Flask) -> None:
    cast = f.new_cast()
    cast.requisite(cast.trader())
    order = f.completed_payin(cast, "1500.00")
    trader = people.seat(app, people.person("trader", trader_id=cast.traders[0].id))
    text = trader.get("/trader/balance/statement.csv").get_data(as_text=True)
    assert order.public_id in text
    assert order.external_id not in text
    assert order.external_id not in trader.get("/trader/balance").get_data(as_text=True)
