"""What can be asked of a dispute: shapes and ranges. What must hold between records is the service's."""
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from portal.core import names
from portal.core.commands import Command
from portal.disputes.reasons import Evidence
from portal.orders.commands import OrderCommand, Reason

TEXT_MAX = 4_000
FILES_MAX = 5


def _said(value: str) -> str:
    """Less what cannot be seen; something has to be left."""
    if not (seen := names.without_unseen(value).strip()):
        raise PydanticCustomError("missing", "Field required")
    return seen


Said = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_MAX), AfterValidator(_said),
                 Field(json_schema_extra={"format": "plain-text"})]
Files = Annotated[tuple[Annotated[str, Field(max_length=60)], ...], Field(max_length=FILES_MAX)]
Shows = Annotated[tuple[Evidence, ...], Field(max_length=len(Evidence))]


class OpenDispute(OrderCommand):
    """`reason`: a code of disputes.reasons; `text`: what happened, in the opener's words; `shows`: what files are."""

    reason: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
    text: Said
    files: Files = ()
    shows: Shows = ()


class DisputeCommand(Command):
    """`dispute_id` as it is shown: dsp_…"""

    dispute_id: Annotated[str, Field(max_length=60)]


class AddStatement(DisputeCommand):
    """More in the thread. Staff may keep it to themselves, or ask a side for its word (`asks`)."""

    text: Said
    files: Files = ()
    shows: Shows = ()
    staff_only: bool = False
    asks: Literal["store", "trader"] | None = None


class GiveIn(DisputeCommand):
    """A side says that the other is right: the money did arrive, or it never came."""

    text: Said | None = None


class DecideDispute(OrderCommand):
    """Staff: what the order comes to. `amount`, as people type it, is what really arrived.

    Of a disputed order: `complete` (as ordered, or on `amount`) or `cancel`. Of a completed one: `stands` or `correct`.
    `assignment_id`: where the money came, of the requisites its payer was given; none: where the order is now.
    """

    outcome: Literal["complete", "cancel", "stands", "correct"]
    amount: Annotated[str, Field(max_length=60)] | None = None
    assignment_id: Annotated[str, Field(max_length=60)] | None = None
    reason: Reason
