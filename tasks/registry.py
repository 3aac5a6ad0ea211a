"""Every kind of work the desk knows, registered by importing this module (worker, dispatcher, tests)."""
from tasks import (
    demo,
    disputes,
    mail,
    notices,
    orders,
    payouts,
    privacy,
    rates,
    risk,
    test_mode,
    treasury,
    upkeep,
    webhooks,
)

ALL = (demo, disputes, mail, notices, orders, payouts, privacy, rates, risk, test_mode, treasury, upkeep, webhooks)
