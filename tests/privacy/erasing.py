"""A customer is forgotten, as two of the staff do it."""
from portal import approvals
from portal.privacy import customers
from tests import factories as f


def erase(cast: f.Cast, customer_id: str) -> None:
    """One asks, another agrees."""
    with f.act() as session:
        asked = customers.ask_erasure(session, f.staff("admin"), customers.Erase(
            store_id=cast.store.public_id, customer_id=customer_id, reason="They asked us"))
    with f.act() as session:
        approvals.decide(session, f.staff("super_admin"), approvals.DecideApproval(
            approval_id=asked.public_id, decision="approve"))
