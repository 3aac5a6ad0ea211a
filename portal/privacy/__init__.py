"""Personal data of customers and applicants: kept for a time, held where the law says so, exported, erased on request.

What the books, the audit and the events of orders say stays: they know a customer by the store's own id at most. After
an erasure the orders know them by a token, which is the same for all of a customer's orders and leads back to nobody.
"""
from portal.privacy import customers, holds, purge, reveals

__all__ = ["customers", "holds", "purge", "reveals"]
