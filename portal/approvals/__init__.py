"""Four eyes: one person asks for a change, another decides; nouns `register` what their kind of approval does."""
from portal.approvals import limit_changes
from portal.approvals.commands import DecideApproval
from portal.approvals.kinds import register
from portal.approvals.models import Approval
from portal.approvals.queries import find, page, pending_count, visible_to, waiting_for
from portal.approvals.service import (
    AgreedAlready,
    AloneUsedUp,
    AlreadyAsked,
    AlreadyDecided,
    OneHand,
    OwnApproval,
    StaleApproval,
    ask,
    ask_and_decide,
    ask_once,
    decide,
    expire,
    take_back,
    withdraw,
)

__all__ = ["AgreedAlready", "AloneUsedUp", "AlreadyAsked", "AlreadyDecided", "Approval", "DecideApproval", "OneHand",
           "OwnApproval", "StaleApproval", "ask", "ask_and_decide", "ask_once", "decide", "expire", "find",
           "limit_changes", "page", "pending_count", "register", "take_back", "visible_to", "waiting_for", "withdraw"]
