"""Fees of stores and rewards of traders, by version.

Others use `fee()` at an order's creation, `rewards()` before it is assigned, `change_requests`, `store_limits`,
`payout_terms` and `reserve_terms` for changes by four eyes, `service` to set a new version at once, `queries` for their
history.
"""
from portal.tariffs import above_fee, change_requests, payout_terms, reserve_terms, store_limits
from portal.tariffs.fees import AmountTooSmall, Fee, NoTariff, fee, forget
from portal.tariffs.rewards import rewards
from portal.tariffs.rules import Rule

__all__ = ["AmountTooSmall", "Fee", "NoTariff", "Rule", "above_fee", "change_requests", "fee", "forget",
           "payout_terms", "reserve_terms", "rewards", "store_limits"]
