"""Signing in and out, the page everybody starts from, and one's own account."""
from portal.web.auth.login import bp as login
from portal.web.auth.passkeys import bp as passkeys
from portal.web.auth.profile import bp as profile
from portal.web.auth.recovery import bp as recovery
from portal.web.auth.second_door import bp as second_door
from portal.web.auth.second_factor import bp as second_factor
from portal.web.auth.step_up import bp as step_up

blueprints = (login, second_door, step_up, profile, second_factor, passkeys, recovery)
