"""What people of a merchant ask of payouts that are not made yet, and of recipients."""
from typing import Annotated

from pydantic import Field, StringConstraints

from portal.core.commands import Command
from portal.core.names import Name

Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]
PublicId = Annotated[str, Field(max_length=60)]


class RefuseImport(Command):
    """The second person does not let it go."""

    import_id: PublicId
    reason: Reason


class RenameRecipient(Command):
    recipient_id: PublicId
    name: Name


class SaveRecipient(Command):
    """Under which name whoever a payout is for is kept."""

    save_as: Name
