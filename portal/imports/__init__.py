"""A desk begins with a spreadsheet: merchants, stores, traders, requisites and opening balances from CSV.

Others use `service` (taken in, asked for, applied), `queries` (what was taken in) and `formats` (what a file holds).
"""
from portal.imports import proof, service  # which say what an approval does and what the books must say

__all__ = ["proof", "service"]
