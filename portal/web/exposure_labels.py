"""Words for what is open and in dispute (caps, windows of banks, freezes, help) and for shifts and announcements."""
from portal.web.badges import N_

ACTS_OF_EXPOSURE = {
    "dispute.unsecured": N_("Money of a late payment without collateral"),
    "bank_window.added": N_("Added maintenance of a bank"), "bank_window.removed": N_("Removed maintenance of a bank"),
    "help.asked": N_("Asked for help with an order"), "help.answered": N_("Answered who asked for help"),
    "help.closed": N_("Closed a matter of help"), "reply.set": N_("Set a template of replies"),
    "announcement.made": N_("Announced something"), "announcement.withdrawn": N_("Withdrew an announcement"),
    "staff_shift.began": N_("Began a shift of the staff"), "staff_shift.noted": N_("Wrote into the log of shifts"),
    "staff_shift.ended": N_("Ended a shift of the staff"),
    "caps.set": N_("Set caps of what is open or in dispute"),
    "exposure_caps.asked": N_("Asked for wider caps"), "exposure_caps.approved": N_("Approved wider caps"),
    "exposure_caps.rejected": N_("Refused wider caps"),
    "requisite.frozen": N_("Said that a requisite's bank froze it"),
    "requisite.thawed": N_("Gave back a requisite that its bank had let go"),
    "requisite.stuck_set": N_("Said how much is stuck on a frozen requisite"),
}
OF_EXPOSURE = (N_("Exposure reached"), N_("Bank cap"), N_("Reply"))
"""Kinds of records and failure codes, as `named` calls them."""
CHANGES_OF_EXPOSURE = {"open_max_minor": N_("Open at once, at most"),
                       "disputed_max_minor": N_("In dispute at once, at most")}
"""What an approval changes."""
