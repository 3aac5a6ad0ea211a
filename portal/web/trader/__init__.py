"""A trader's pages."""
from portal.web import owners
from portal.web.trader.balance import bp as balance
from portal.web.trader.help import bp as help_page
from portal.web.trader.orders import bp as orders
from portal.web.trader.payouts import bp as payouts
from portal.web.trader.requisites import bp as requisites

blueprints = (orders, payouts, requisites, balance, help_page, *owners.trader)
