"""The payment page: the only door a payer knows. Its token is its key."""
from portal.web.checkout.orders import bp

blueprints = (bp,)
