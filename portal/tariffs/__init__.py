"""Fees of stores and rewards of traders, by version."""
