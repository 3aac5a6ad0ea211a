"""Work enqueued inside a transaction and done after it. PostgreSQL is the only queue of record.

A `jobs` row is written by `enqueue` in the transaction that needs the work. A Huey message is only a wake-up:
`run` claims due rows of a kind under a lease, works, and finishes effects and rows in one transaction fenced by the
lease's token, so that a worker that was killed, or was too slow, leaves nothing half done and nothing done twice.
"""
from portal.core.jobs.dispatch import bring_back, bury_unknown, due_kinds, enqueue_recurring, in_slot
from portal.core.jobs.enqueueing import (
    at_once,
    cancel,
    enqueue,
    enqueue_all,
    lives,
    poke,
    poke_with,
    reopen_wakeups,
    wake,
)
from portal.core.jobs.lease_renewal import renew
from portal.core.jobs.leases import Claimed, LeaseLost, bury, claim, fail, finish, hand_back, postpone
from portal.core.jobs.models import DoneJob, Job, JobSlot
from portal.core.jobs.registry import KINDS, OUTSIDE, Kind, Outcome, RetryAt, Work, register, register_outside
from portal.core.jobs.runner import run, stop_when

__all__ = [
    "KINDS",
    "OUTSIDE",
    "Claimed",
    "DoneJob",
    "Job",
    "JobSlot",
    "Kind",
    "LeaseLost",
    "Outcome",
    "RetryAt",
    "Work",
    "at_once",
    "bring_back",
    "bury",
    "bury_unknown",
    "cancel",
    "claim",
    "due_kinds",
    "enqueue",
    "enqueue_all",
    "enqueue_recurring",
    "fail",
    "finish",
    "hand_back",
    "in_slot",
    "lives",
    "poke",
    "poke_with",
    "postpone",
    "register",
    "register_outside",
    "renew",
    "reopen_wakeups",
    "run",
    "stop_when",
    "wake",
]
