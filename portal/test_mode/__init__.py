"""Test mode: robots who play trader, customer, bank and arbiter on test orders, and a clock that a developer may move.

They do what people do, through the services that people use, on test orders and nowhere else. What becomes of an order
its amount says (`requisites/test_outcomes.py`), or a button on the test payment page. For others: `play.work` (the
job), `advance.advance` (the gateway's call), `choices.choose` (the page's buttons).
"""
