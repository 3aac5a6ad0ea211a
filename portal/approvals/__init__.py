"""Four eyes: one person asks for a change, another decides; nouns `register` what their kind of approval does."""
from portal.approvals.commands import DecideApproval
from portal.approvals.kinds import register
from portal.approvals.models import Approval
from portal.approvals.queries import page, pending_count, visible_to
from portal.approvals.service import AlreadyDecided, OwnApproval, StaleApproval, ask, decide

__all__ = ["AlreadyDecided", "Approval", "DecideApproval", "OwnApproval", "StaleApproval", "ask", "decide", "page",
           "pending_count", "register", "visible_to"]
