"""Work promised inside a transaction and done after it. PostgreSQL is the only queue of record.

A `jobs` row is written by `promise` in the transaction that needs the work. A Huey message is only a wake-up:
`run` claims due rows of a kind under a lease, works, and finishes effects and rows in one transaction fenced by the
lease's token, so that a worker that was killed, or was too slow, leaves nothing half done and nothing done twice.
"""
from portal.core.jobs.dispatch import bury_unknown, due_kinds, promise_recurring
from portal.core.jobs.keeping import renew
from portal.core.jobs.kinds import KINDS, OUTSIDE, Kind, Later, Outcome, Work, register, register_outside
from portal.core.jobs.leases import Claimed, LeaseLost, bury, claim, fail, finish, hand_back, postpone
from portal.core.jobs.models import DoneJob, Job, JobSlot
from portal.core.jobs.promises import listen, poke, poke_with, promise, promise_all, wake, withdraw
from portal.core.jobs.runner import run, stop_when

__all__ = [
    "KINDS", "OUTSIDE", "Claimed", "DoneJob", "Job", "JobSlot", "Kind", "Later", "LeaseLost", "Outcome", "Work", "bury",
    "bury_unknown", "claim", "due_kinds", "fail", "finish", "hand_back", "listen", "poke", "poke_with", "postpone",
    "promise", "promise_all", "promise_recurring", "register", "register_outside", "renew", "run", "stop_when",
    "wake", "withdraw",
]
