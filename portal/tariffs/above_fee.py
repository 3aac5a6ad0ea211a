"""Orders on which the desk pays more than it takes: allowed to a store by two people, forbidden again by one."""
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import approvals
from portal.approvals import Approval, StaleApproval
from portal.core import audit
from portal.core.access import Actor, Permission
from portal.core.db import locked_one
from portal.core.errors import Denied, NotFound
from portal.parties import queries
from portal.parties.models import Store
from portal.tariffs.commands import SetRewardAboveFee

KIND = "reward_above_fee"


def set_it(session: Session, actor: Actor, command: SetRewardAboveFee) -> Approval | None:
    """Off holds from the next order on; on waits as the approval that is returned. Harmless twice.

    Raises Denied, NotFound, AlreadyAsked.
    """
    if not (actor.is_system or actor.may(Permission.PARTY_MANAGE)):
        raise Denied()
    store = locked_one(session, queries.stores_visible_to(actor).where(Store.id == command.store_id))
    if store is None:
        raise NotFound()
    if store.reward_may_exceed_fee == command.on:
        return None
    if command.on:
        return approvals.ask_once(session, actor, kind=KIND, target_kind="store", target_id=store.id,
                                  before=_now(store), after=_now(store) | {"reward_may_exceed_fee": True},
                                  reason=command.reason)
    _set(session, actor, store, on=False, reason=command.reason)
    return None


def approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees: it counts from the next order on. Raises StaleApproval."""
    store = locked_one(session, select(Store).where(Store.id == UUID(approval.target_id)))
    if store is None:
        raise NotFound()
    if _now(store) != approval.before:
        raise StaleApproval()
    _set(session, actor, store, on=True, reason=approval.reason)


def _set(session: Session, actor: Actor, store: Store, *, on: bool, reason: str) -> None:
    audit.record(session, actor, "store.reward_above_fee_set", "store", store.id, reason=reason,
                 before={"reward_may_exceed_fee": store.reward_may_exceed_fee}, after={"reward_may_exceed_fee": on})
    store.reward_may_exceed_fee = on


def _now(store: Store) -> dict[str, object]:
    return {"name": store.name, "reward_may_exceed_fee": store.reward_may_exceed_fee}


approvals.register(KIND, apply=approved, title="Rewards above the fee")
