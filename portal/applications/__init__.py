"""Who wants to join: a public form with documents, looked at by staff, decided by two, and the first person's way in.

Nothing but the application exists before it is accepted: no merchant or trader, no account.
"""
from portal.applications import decisions, invitation
from portal.applications.models import Application

__all__ = ["Application", "decisions", "invitation"]
