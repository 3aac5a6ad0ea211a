"""A merchant's pages."""
from portal.web.merchant.orders import bp as orders

blueprints = (orders,)
