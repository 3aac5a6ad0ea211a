"""A merchant's pages."""
from portal.web.merchant import developers_deliveries, developers_endpoints
from portal.web.merchant.balance import bp as balance
from portal.web.merchant.developers import bp as developers
from portal.web.merchant.home import bp as home
from portal.web.merchant.orders import bp as orders
from portal.web.merchant.payouts import bp as payouts

assert developers_endpoints  # they put their pages on the blueprint
assert developers_deliveries

blueprints = (home, orders, payouts, balance, developers)
