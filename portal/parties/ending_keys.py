"""API keys that end soon: their store's developers are told a fortnight and three days before."""
from datetime import timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from portal import notices
from portal.core import clock, ids
from portal.parties.models import ApiKey

DAYS = (14, 3)
MOST = 500


def watch(session: Session) -> None:
    """Work of a recurring job. A key made for less than a fortnight is told of when three days are left; one that was
    rolled is not told of, for it ends because somebody wanted it to."""
    now, successor = clock.now(), aliased(ApiKey)
    for key in session.scalars(select(ApiKey).where(
            ApiKey.revoked_at.is_(None), ApiKey.expires_at.between(now, now + timedelta(days=DAYS[0])),
            ~exists().where(successor.replaces_id == ApiKey.id))
            .order_by(ApiKey.expires_at).limit(MOST)):
        assert key.expires_at is not None
        left = key.expires_at - now
        before = min(days for days in DAYS if left <= timedelta(days=days))
        if key.expires_at - key.created_at > timedelta(days=before):
            notices.notify(session, "key.ends", notices.store(key.store_id), once=f"{key.public_id}:{before}",
                           name=key.name, days=-(-left // timedelta(days=1)), key=ids.public("key", key.id))
