"""Fees of stores and rewards of traders, by version.

Others use `fee()` at an order's creation, `rewards()` when it is assigned, and `service` to set a new version.
"""
from portal.tariffs.fees import AmountTooSmall, Fee, NoTariff, fee, forget
from portal.tariffs.rewards import RewardRule, rewards

__all__ = ["AmountTooSmall", "Fee", "NoTariff", "RewardRule", "fee", "forget", "rewards"]
