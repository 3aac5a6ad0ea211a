"""What can be asked of an approval."""
from typing import Annotated, Literal

from pydantic import StringConstraints

from portal.core.commands import Command

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class DecideApproval(Command):
    approval_id: str
    decision: Literal["approve", "reject"]
    reason: Reason | None = None
