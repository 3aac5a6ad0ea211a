"""What an approved file makes: all of its rows or none, in the transaction of the decision."""
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from portal import ledger, requisites
from portal.core.access import Actor
from portal.imports.models import Import
from portal.imports.row_checks import Row
from portal.parties import merchants, stores, traders
from portal.parties.commands import MoveMerchant, MoveTrader
from portal.requisites import lanes
from portal.tariffs import service as tariffs
from portal.tariffs.commands import SetFee, SetReward

BECAUSE = "Imported"


def make(session: Session, actor: Actor, taken: Import, rows: Sequence[Row]) -> None:
    """Two people have agreed: merchants and traders are set going, requisites take orders, balances stand."""
    MAKERS[taken.sheet](session, actor, taken, rows)


def _merchants(session: Session, actor: Actor, taken: Import, rows: Sequence[Row]) -> None:
    for row in rows:
        made = merchants.create(session, actor, row.made["merchant"])
        merchants.move(session, actor, MoveMerchant(merchant_id=made.id, status="active", reason=BECAUSE))


def _stores(session: Session, actor: Actor, taken: Import, rows: Sequence[Row]) -> None:
    for row in rows:
        made = stores.create(session, actor, row.made["store"])
        tariffs.set_fee(session, actor, SetFee(store_id=made.id, direction="payin", fee_bps=row.made["bps"]))


def _traders(session: Session, actor: Actor, taken: Import, rows: Sequence[Row]) -> None:
    for row in rows:
        made = traders.create(session, actor, row.made["trader"])
        traders.move(session, actor, MoveTrader(trader_id=made.id, status="active", reason=BECAUSE))
        tariffs.set_reward(session, actor, SetReward(trader_id=made.id, direction="payin", reward_bps=row.made["bps"]))


def _requisites(session: Session, actor: Actor, taken: Import, rows: Sequence[Row]) -> None:
    made = [requisites.service.enter(session, actor, row.made["requisite"], reason=BECAUSE) for row in rows]
    lanes.rebuild(session, [one.id for one in made])


def _balances(session: Session, actor: Actor, taken: Import, rows: Sequence[Row]) -> None:
    ledger.post(session, actor, [opening(taken, rows)])


def opening(taken: Import, rows: Sequence[Row]) -> ledger.Draft:
    """One entry for the whole file: what the desk owes from before stands against suspense until it is placed."""
    return ledger.entries.opening_balance(taken.id, [(row.made["account"], row.made["amount"]) for row in rows])


MAKERS: dict[str, Callable[[Session, Actor, Import, Sequence[Row]], None]] = {
    "merchants": _merchants, "stores": _stores, "traders": _traders, "requisites": _requisites, "balances": _balances}
