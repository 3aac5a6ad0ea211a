"""Currencies, methods, banks, rates: kept by staff, cached in every process, a change visible within 5 seconds.

Others use `snapshot()` for everything at once, `quote()` for a rate that may be used now, `validators.check()` for a
number, and `service` and `assets` to change what staff keep.
"""
from portal.reference.cache import Reference, configure, exponent, forget, grows_old, snapshot
from portal.reference.quotes import Quote, RateUnavailable, quote

__all__ = ["Quote", "RateUnavailable", "Reference", "configure", "exponent", "forget", "grows_old", "quote",
           "snapshot"]
