"""GET /quote: what an order would cost, as the order then has it."""
import pytest


def test_a_quote_is_what_the_order_has(test_shop, payin):
    order = test_shop.post("/payins", payin()).json
    quote = test_shop.get(f"/quote?direction=payin&currency={order['currency']}&method={order['method']}"
                          f"&amount={order['amount']}")
    assert quote.status_code == 200
    told = quote.json
    assert (told["settlement"], told["fee"], told["due"]) == (
        order["settlement"]["amount"], order["settlement"]["fee"], order["settlement"]["net"])
    assert told["rate"] == order["settlement"]["rate"], "written alike"


@pytest.mark.parametrize("query", [
    "", "direction=payin", "direction=payin&currency=RUB&method=card&amount=1500",
    "direction=payin&currency=RUB&method=card&amount=1e3", "direction=x&currency=RUB&method=card&amount=1500.00",
    "direction=payin&currency=ZZZ&method=card&amount=1500.00", "direction=payin&currency=RUB&method=card&amount=-1.00",
    "direction=payin&currency=RUB&method=card&amount=0.00", "direction=payin&currency=RUB&method=%00&amount=1.00"])
def test_what_cannot_be_quoted_says_why(test_shop, query):
    answer = test_shop.get(f"/quote?{query}")
    assert answer.status_code == 422
    assert answer.json["errors"]
