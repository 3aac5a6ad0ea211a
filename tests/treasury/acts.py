"""Money in and out as tests do it: what an owner tells and asks for, what the staff decide and send."""
from collections.abc import Sequence
from datetime import timedelta
from secrets import token_hex
from typing import Any

from sqlalchemy import Select, select

from portal import approvals, ledger, treasury
from portal.approvals import DecideApproval
from portal.core import clock
from portal.core.access import Actor
from portal.reference import chains
from portal.treasury import addresses, deposits, releases, withdrawals
from portal.treasury.commands import (
    AddAddress,
    AskRelease,
    AskWithdrawal,
    CancelWithdrawal,
    SendWithdrawal,
    TakeWithdrawal,
)
from portal.treasury.models import Deposit, Withdrawal, WithdrawalAddress
from tests import factories as f


def tron() -> str:
    return chains.base58check(b"\x41" + bytes.fromhex(token_hex(20)))


def owner_of(actor: Actor, cast: f.Cast) -> dict[str, Any]:
    if actor.trader_id is not None:
        return {"owner_kind": "trader", "owner_id": actor.trader_id}
    return {"owner_kind": "store", "owner_id": cast.store.id}


def add(actor: Actor, cast: f.Cast, *, address: str | None = None, network: str = "trc20") -> WithdrawalAddress:
    with f.act() as session:
        return addresses.add(session, actor, AddAddress(
            label="Cold wallet", network=network, address=address or tron(), **owner_of(actor, cast)))


def decide(target: object, kind: str, decision: str = "approve", by: Actor | None = None) -> Actor:
    """A second person decides on what waits about a record."""
    by = by or f.staff("admin")
    with f.act() as session:
        (asked,) = approvals.waiting_for(session, kind.removesuffix("_release"), target, kind=kind)
        approvals.decide(session, by, DecideApproval(approval_id=asked.public_id, decision=decision, reason="Seen"))
    return by


def usable(actor: Actor, cast: f.Cast) -> WithdrawalAddress:
    """Approved yesterday."""
    with clock.moved(timedelta(hours=-25)):
        made = add(actor, cast)
        decide(made.id, "withdrawal_address")
    return f.fresh(made)


def ask(actor: Actor, cast: f.Cast, amount: str = "40", at: WithdrawalAddress | None = None) -> Withdrawal:
    at = at or usable(actor, cast)
    with f.act() as session:
        return withdrawals.ask(session, actor, AskWithdrawal(
            address_id=at.public_id, amount=amount, **owner_of(actor, cast)))


def take(staff: Actor, of: Withdrawal, over: Actor | None = None) -> None:
    with f.act() as session:
        withdrawals.take(session, staff, TakeWithdrawal(withdrawal_id=of.public_id,
                                                        over=str(over.id) if over else None))


def send(staff: Actor, of: Withdrawal, reference: str | None = None) -> Withdrawal:
    with f.act() as session:
        return withdrawals.send(session, staff, SendWithdrawal(withdrawal_id=of.public_id,
                                                               reference=reference or token_hex(32)))


def cancel(actor: Actor, of: Withdrawal) -> None:
    with f.act() as session:
        withdrawals.cancel(session, actor, CancelWithdrawal(withdrawal_id=of.public_id))


def ask_release(of: Withdrawal, by: Actor | None = None) -> None:
    with f.act() as session:
        releases.ask(session, by or f.staff("admin"), AskRelease(withdrawal_id=of.public_id, reason="Wallet is down"))


def balances(actor: Actor, cast: f.Cast) -> tuple[str, str]:
    kind, id = owner_of(actor, cast).values()
    return tuple(f.balance(ledger.Account(kind, id, purpose, "USDT", True)).text  # type: ignore[return-value,arg-type]
                 for purpose in ("available", "held"))


def tell(actor: Actor, cast: f.Cast, amount: str = "25", *, reference: str | None = None,
         pictures: Sequence[bytes] = ()) -> Deposit:
    """An owner tells of a deposit, with a picture of it."""
    kept = tuple(f.upload(actor, picture).public_id for picture in pictures or [f.picture()])
    with f.act() as session:
        approval = treasury.ask(session, actor, treasury.AskDeposit(
            amount=amount, currency="USDT", network="trc20", reference=reference or token_hex(32), files=kept,
            **owner_of(actor, cast)))
    with f.look() as session:
        found = deposits.of_approval(session, approval.id)
    assert found is not None
    return found


def newest_address() -> Select[WithdrawalAddress]:
    return select(WithdrawalAddress).order_by(WithdrawalAddress.id.desc()).limit(1)
