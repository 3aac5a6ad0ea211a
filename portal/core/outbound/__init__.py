"""Calls to other systems, through the one guard: addresses judged first, one deadline, little memory, no redirects.

Webhooks and the feeds of rates call outside; neither may have a transaction open while it does.
"""
