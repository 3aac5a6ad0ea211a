"""Fees of stores and rewards of traders, by version.

Others use `fee()` at an order's creation, `rewards()` when it is assigned, `change_requests` and `store_limits` for
changes by four eyes, `service` to set a new version at once, `queries` for their history.
"""
from portal.tariffs import above_fee, change_requests, store_limits
from portal.tariffs.fees import AmountTooSmall, Fee, NoTariff, fee, forget
from portal.tariffs.rewards import RewardRule, rewards

__all__ = ["AmountTooSmall", "Fee", "NoTariff", "RewardRule", "above_fee", "change_requests", "fee", "forget",
           "rewards", "store_limits"]
