"""Currencies, methods, banks, rates: kept by staff, cached in every process, a change visible within 5 seconds."""
