"""Notices: who is told of what happened, what is due, what nobody does but time brings, and forgetting what is old."""
from collections.abc import Sequence

from sqlalchemy.orm import Session

from portal.core.jobs import Claimed, Kind, register, register_outside
from portal.disputes import reminders
from portal.notices import dead_jobs, happening, mailing, push, queries, telegram, telling
from portal.parties import ending_keys, low_balances
from portal.reference import stale_rates
from portal.webhooks import operator


def watch_for_notices(session: Session, jobs: Sequence[Claimed]) -> None:
    """What comes of itself: time that runs out, rates that grow old, work that died."""
    for watch in (reminders.remind, stale_rates.watch, dead_jobs.watch):
        watch(session)


def watch_slowly(session: Session, jobs: Sequence[Claimed]) -> None:
    ending_keys.watch(session)
    low_balances.watch(session)


register(
    Kind(happening.KIND, telling.tell_people, batch_max=20),
    Kind(mailing.KIND, mailing.send_notices, batch_max=10),
    Kind("send_due_notices", mailing.send_due, every_s=60, batch_max=1),
    Kind("watch_for_notices", watch_for_notices, every_s=60, batch_max=1),
    Kind("watch_keys_and_balances", watch_slowly, every_s=300, batch_max=1),
    Kind(telegram.LISTEN, telegram.listen, every_s=5, batch_max=1),
    Kind("forget_notices", queries.forget, every_s=600, batch_max=1),
)
register_outside(telegram.KIND, telegram.drain)
register_outside(telegram.HEAR, telegram.hear)
register_outside(push.KIND, push.drain)
register_outside(operator.KIND, operator.drain)
