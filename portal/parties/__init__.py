"""People and companies: users with sessions, merchants with stores and keys, traders with shifts, holders.

Others use the services `users`, `sessions`, `merchants`, `stores`, `traders`, `keys` (`keys.find` for the gateway), the
reads of `queries` and the tables of `models`. It knows nothing of requisites: a shift that changes promises the job
`rebuild_lanes`.
"""
from portal.parties import invitations, name_and_email, trader_setup, users  # which say what their approvals do

__all__ = ["invitations", "name_and_email", "trader_setup", "users"]
