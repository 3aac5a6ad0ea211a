"""The payment page: the only door a payer knows. Its token is its key."""
from portal.web.checkout import help as help_page
from portal.web.checkout.orders import bp

assert help_page  # it puts its page on the blueprint

blueprints = (bp,)
