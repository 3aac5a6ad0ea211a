"""Signing in and out, and the page everybody starts from."""
from portal.web.auth.login import bp as login

blueprints = (login,)
