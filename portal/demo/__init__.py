"""A small, realistic, deterministic desk to look at and to try: people, stores, traders, requisites, a day of orders.

Everything is done by the services that people use, so that the books verify. Never in production.
"""
