"""Every kind of work the desk knows, registered by importing this module (worker, dispatcher, tests)."""
from tasks import demo, orders, upkeep, webhooks

ALL = (demo, orders, upkeep, webhooks)
