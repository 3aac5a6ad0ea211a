"""Signing in and out, the page everybody starts from, and one's own account."""
from portal.web.auth.login import bp as login
from portal.web.auth.profile import bp as profile

blueprints = (login, profile)
