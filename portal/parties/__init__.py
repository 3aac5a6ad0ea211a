"""People and companies: users with sessions, merchants with stores and keys, traders with shifts, holders."""
