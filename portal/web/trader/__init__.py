"""A trader's pages: the queue and its orders."""
from portal.web.trader.balance import bp as balance
from portal.web.trader.orders import bp as orders

blueprints = (orders, balance)
