"""Instruments of traders: what they are, what they may take, what they have taken, and who comes next.

Others use `service` and `limits` (what happens to one), `queries` (who sees which), `numbers` (one in full), `lanes`
(whose turn it is) and `robots` (who takes test orders).
"""
from portal.requisites import holders, limits, service  # which say what their approvals do

__all__ = ["holders", "limits", "service"]
