"""Where several stores are told of events, with the health of each address: for the staff's page of a merchant."""
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.access import Actor
from portal.webhooks.models import Endpoint
from portal.webhooks.queries import endpoints_visible_to

ENDPOINTS_MAX = 100


def endpoints_of_stores(session: Session, actor: Actor, store_ids: Iterable[UUID]) -> Sequence[Endpoint]:
    """Newest first; nothing for one who may not read webhooks."""
    rows = endpoints_visible_to(actor).where(Endpoint.store_id.in_(list(store_ids)))
    return session.scalars(rows.order_by(Endpoint.id.desc()).limit(ENDPOINTS_MAX)).all()
