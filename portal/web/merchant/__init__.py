"""A merchant's pages."""
from portal.web import owners
from portal.web.merchant import (
    developers_deliveries,
    developers_endpoints,
    developers_replays,
    developers_requests,
    developers_signing,
    payout_imports,
    payout_recipients,
)
from portal.web.merchant.balance import bp as balance
from portal.web.merchant.calculator import bp as calculator
from portal.web.merchant.developers import bp as developers
from portal.web.merchant.home import bp as home
from portal.web.merchant.orders import bp as orders
from portal.web.merchant.payout_quote import bp as payout_quote
from portal.web.merchant.payouts import bp as payouts
from portal.web.merchant.transfers import bp as transfers

assert developers_endpoints  # they put their pages on the blueprint
assert developers_deliveries
assert developers_signing
assert developers_requests
assert developers_replays
assert payout_imports
assert payout_recipients

blueprints = (home, orders, payouts, payout_quote, balance, transfers, calculator, developers, *owners.merchant)
