"""What matching asks of a trader: tier, directions, open orders at once. A higher limit is for two people."""
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from portal import approvals
from portal.approvals import Approval, StaleApproval
from portal.core import audit, crypto, jobs
from portal.core.access import SYSTEM, Actor
from portal.core.db import locked_one
from portal.core.errors import Conflict, NotFound
from portal.parties import queries
from portal.parties.commands import SetTrader
from portal.parties.models import Trader

KIND = "trader_limit"
NAMES = ("tier", "payin", "payout", "open_orders_max")


class SetupMoved(Conflict):
    """Somebody else changed this meanwhile. Look at it and change it again."""

    code = "setup_moved"


def seen(trader: Trader) -> str:
    """The set-up as a form shows it, in a few characters."""
    return crypto.sha256(repr(_of(trader))).hex()[:16]


def set_up(session: Session, actor: Actor, command: SetTrader) -> Approval | None:
    """Tier, directions and a lower limit hold at once; a higher limit waits as the approval that is returned.

    Orders that are open go on. Raises NotFound, SetupMoved, AlreadyAsked.
    """
    trader = _locked(session, actor, command.trader_id)
    if command.seen is not None and command.seen != seen(trader):
        raise SetupMoved()
    wanted = command.model_dump(include=set(NAMES))
    higher = command.open_orders_max > trader.open_orders_max
    _set(session, actor, trader, wanted | ({"open_orders_max": trader.open_orders_max} if higher else {}),
         command.reason)
    if not higher:
        return None
    return approvals.ask_once(session, actor, kind=KIND, target_kind="trader", target_id=trader.id,
                              before=_limit(trader), after=_limit(trader, command.open_orders_max),
                              reason=command.reason)


def approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees: it counts from the next order on. Raises StaleApproval."""
    trader = _locked(session, SYSTEM, UUID(approval.target_id))
    if _limit(trader) != approval.before:
        raise StaleApproval()
    _set(session, actor, trader, _of(trader) | {"open_orders_max": approval.after["open_orders_max"]}, approval.reason)


def _set(session: Session, actor: Actor, trader: Trader, after: dict[str, Any], reason: str) -> None:
    before = _of(trader)
    if before == after:
        return
    for name, value in after.items():
        setattr(trader, name, value)
    changed = [name for name in NAMES if before[name] != after[name]]
    audit.record(session, actor, "trader.set_up", "trader", trader.id, reason=reason,
                 before={name: before[name] for name in changed}, after={name: after[name] for name in changed})
    jobs.enqueue(session, "rebuild_lanes", trader.id)


def _of(trader: Trader) -> dict[str, Any]:
    return {name: getattr(trader, name) for name in NAMES}


def _limit(trader: Trader, open_orders_max: int | None = None) -> dict[str, Any]:
    return {"name": trader.name, "open_orders_max": open_orders_max or trader.open_orders_max}


def _locked(session: Session, actor: Actor, trader_id: UUID) -> Trader:
    """Raises NotFound, also for the desk's own robots."""
    trader = locked_one(session, queries.traders_visible_to(actor).where(Trader.id == trader_id, ~Trader.robot))
    if trader is None:
        raise NotFound()
    return trader


approvals.register(KIND, apply=approved, title="More open orders of a trader")
