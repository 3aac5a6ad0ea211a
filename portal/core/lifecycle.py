"""The whole life of one kind of record as one table: (status, action) → next status."""
from collections.abc import Mapping
from enum import StrEnum

from portal.core.errors import Conflict


class InvalidTransition(Conflict):
    """This step is not possible from the current status."""

    code = "invalid_transition"


class Lifecycle:
    """`steps` is the one declarative table; nothing else decides what may follow what."""

    def __init__(self, initial: StrEnum, steps: Mapping[tuple[StrEnum, StrEnum], StrEnum]) -> None:
        self.initial, self.steps = initial, dict(steps)

    def next(self, status: str, action: StrEnum) -> StrEnum:
        """The status after `action`. Raises InvalidTransition."""
        for (source, step), target in self.steps.items():
            if source == status and step == action:
                return target
        raise InvalidTransition(status=str(status), action=str(action))

    def allows(self, status: str, action: StrEnum) -> bool:
        return any(source == status and step == action for source, step in self.steps)
