"""What a store has to wait for of its settled payins: a rolling reserve, and a delay before the rest is available.

Either way money is somebody's: less kept back, and the desk stands in for late disputes; more, and the store waits. So
every change waits for a second of the staff. What was settled before keeps the terms of its day.
"""
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal import approvals
from portal.approvals import Approval, StaleApproval
from portal.core import audit, typed_amounts
from portal.core.access import Actor, Permission
from portal.core.db import locked_one
from portal.core.errors import Denied, FieldError, Invalid, NotFound
from portal.core.money import Money
from portal.parties import queries
from portal.parties.models import Store
from portal.tariffs.commands import AskReserveTerms
from portal.tariffs.models import ReserveTerms

KIND = "reserve_terms"


class Terms(NamedTuple):
    """`reserve_bps` of a payin's net for `reserve_days`, the rest for `delay_days`."""

    reserve_bps: int = 0
    reserve_days: int = 0
    delay_days: int = 0

    def kept_of(self, net: Money) -> tuple[Money, Money]:
        """What is reserved of a payin's net (half-even), and what of the rest is delayed."""
        reserved = net.share(self.reserve_bps)
        return reserved, net - reserved if self.delay_days else Money.zero(net.currency)


def ask(session: Session, actor: Actor, command: AskReserveTerms) -> Approval | None:
    """Put other terms before a second person; None where they are as they are. Raises Denied, NotFound, Invalid,
    AlreadyAsked.
    """
    if not (actor.is_system or (actor.is_staff and actor.may(Permission.PARTY_MANAGE))):
        raise Denied()
    store = locked_one(session, queries.stores_visible_to(actor).where(Store.id == command.store_id))
    if store is None:
        raise NotFound()
    before, after = of(session, store.id), _asked(command)
    if before == after:
        return None
    return approvals.ask_once(session, actor, kind=KIND, target_kind="store", target_id=store.id,
                              before=before._asdict() | {"name": store.name}, after=after._asdict(),
                              reason=command.reason)


def approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees: they count for what is settled from now on. Raises StaleApproval."""
    store = locked_one(session, select(Store).where(Store.id == UUID(approval.target_id)))
    if store is None:
        raise NotFound()
    before = of(session, store.id)._asdict()
    if before | {"name": store.name} != approval.before:
        raise StaleApproval()
    after: dict[str, Any] = {name: approval.after[name] for name in Terms._fields}
    row = insert(ReserveTerms).values(store_id=store.id, **after)
    session.execute(row.on_conflict_do_update(index_elements=["store_id"], set_=after))
    audit.record(session, actor, "store.reserve_terms_set", "store", store.id, before=before, after=after,
                 reason=approval.reason)


def of(session: Session, store_id: UUID) -> Terms:
    found = session.execute(select(ReserveTerms.reserve_bps, ReserveTerms.reserve_days, ReserveTerms.delay_days)
                            .where(ReserveTerms.store_id == store_id)).first()
    return Terms(*found) if found else Terms()


def _asked(command: AskReserveTerms) -> Terms:
    share = typed_amounts.percent("reserve_percent", command.reserve_percent)
    if bool(share) != bool(command.reserve_days):
        raise Invalid(fields=[FieldError("/reserve_days", "reserve_days",
                                         "A share goes with days, and days with a share.")])
    return Terms(share, command.reserve_days, command.delay_days)


approvals.register(KIND, apply=approved, title="Reserve and delay of a store")
