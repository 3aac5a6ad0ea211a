"""What staff are called to, of a module's tests together: the desk shows the longest waiting of all."""
from sqlalchemy import delete

from portal.orders.models import AttentionCase
from tests import factories as f


def nothing_waits() -> None:
    """What other tests left behind waits for nobody any more."""
    with f.act() as session:
        session.execute(delete(AttentionCase))
