"""Every kind of work the desk knows, registered by importing this module (worker, dispatcher, tests)."""
from tasks import orders, upkeep, webhooks

ALL = (orders, upkeep, webhooks)
