"""Words of the treasury: whose account, why a balance was put right."""
from flask_babel import gettext

from portal.web.badges import N_

OWNERS = {"platform": N_("The desk"), "world": N_("Outside world")}
CODES = {
    "found": N_("Money whose owner was found"), "mistake": N_("Something was posted by mistake"),
    "taken_back": N_("A bank or a network took money back"), "goodwill": N_("Compensation, at the desk's cost"),
    "penalty": N_("Penalty, in the desk's favour"), "other": N_("Another reason"),
    "written_off": N_("Written off: the desk's own gain or loss"),
    "unplaced": N_("Money from outside, nobody knows whose"),
}
"""Reasons of an adjustment: `treasury.adjustments.CODES`."""


def account_owner(kind: str) -> str:
    """An owner that has no name of its own."""
    return str(gettext(OWNERS.get(kind, kind)))


def adjustment_code(code: str) -> str:
    return str(gettext(CODES.get(code, code)))
