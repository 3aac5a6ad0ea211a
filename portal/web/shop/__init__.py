"""`/shop`: a small shop of the demo, which pays through the gateway like any merchant. Never in production."""
from portal.web.shop.orders import bp

blueprints = (bp,)
