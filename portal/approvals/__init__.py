"""Four eyes: one person asks for a change, another decides; nouns `register` what their kind of approval does."""
from portal.approvals.commands import DecideApproval
from portal.approvals.kinds import register
from portal.approvals.models import Approval
from portal.approvals.queries import find, page, pending_count, visible_to, waiting_for
from portal.approvals.service import (
    AlreadyAsked,
    AlreadyDecided,
    OneHand,
    OwnApproval,
    StaleApproval,
    ask,
    ask_once,
    decide,
)

__all__ = ["AlreadyAsked", "AlreadyDecided", "Approval", "DecideApproval", "OneHand", "OwnApproval", "StaleApproval",
           "ask", "ask_once", "decide", "find", "page", "pending_count", "register", "visible_to", "waiting_for"]
