"""The life of a requisite: only an approved one is ever matched."""
from enum import StrEnum

from portal.core.lifecycle import Lifecycle


class Status(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    REJECTED = "rejected"
    BLOCKED = "blocked"
    FROZEN = "frozen"  # by its bank
    ARCHIVED = "archived"


class Action(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    PAUSE = "pause"
    RESUME = "resume"
    BLOCK = "block"
    UNBLOCK = "unblock"
    FREEZE = "freeze"
    THAW = "thaw"
    THAW_BLOCKED = "thaw_blocked"  # staff had blocked it before its bank froze it
    ARCHIVE = "archive"


LIFECYCLE = Lifecycle(Status.PENDING, {
    (Status.PENDING, Action.APPROVE): Status.ACTIVE,
    (Status.PENDING, Action.REJECT): Status.REJECTED,
    (Status.ACTIVE, Action.PAUSE): Status.PAUSED,
    (Status.PAUSED, Action.RESUME): Status.ACTIVE,
    (Status.ACTIVE, Action.BLOCK): Status.BLOCKED,
    (Status.PAUSED, Action.BLOCK): Status.BLOCKED,
    (Status.BLOCKED, Action.UNBLOCK): Status.PAUSED,
    (Status.ACTIVE, Action.FREEZE): Status.FROZEN,
    (Status.PAUSED, Action.FREEZE): Status.FROZEN,
    (Status.BLOCKED, Action.FREEZE): Status.FROZEN,
    (Status.FROZEN, Action.THAW): Status.PAUSED,
    (Status.FROZEN, Action.THAW_BLOCKED): Status.BLOCKED,
    (Status.FROZEN, Action.ARCHIVE): Status.ARCHIVED,
    (Status.ACTIVE, Action.ARCHIVE): Status.ARCHIVED,
    (Status.PAUSED, Action.ARCHIVE): Status.ARCHIVED,
    (Status.BLOCKED, Action.ARCHIVE): Status.ARCHIVED,
})
