"""`/shop`: a small shop of the demo, which pays through the gateway like any merchant. Never in production."""
from portal.web.shop import acts, orders

blueprints = (orders.bp, acts.bp)
