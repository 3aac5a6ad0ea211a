"""Money that staff take back from an owner who may have spent it: what is there is taken, the desk claims the rest."""
from collections.abc import Callable
from uuid import UUID

from sqlalchemy.orm import Session

from portal import ledger
from portal.core.access import Actor
from portal.core.money import Money
from portal.ledger import SUSPENSE, Account, Draft, InsufficientFunds
from portal.treasury import booking

Drafting = Callable[[Money], Draft]
"""The entry, when the payer has so much of it."""


def post(session: Session, actor: Actor, payer: Account, taker: Account, amount: Money, draft: Drafting, *,
         reference: UUID) -> None:
    """Balances are locked once, and what the payer has then decides what suspense lays out.

    Raises InsufficientFunds where the payer has nothing and there is nothing suspense could lay out.
    """
    locked = ledger.lock_balances(session, {payer, taker, SUSPENSE(amount.currency, payer.live)})
    own = covered(payer, amount, Money(locked[payer].available_minor, amount.currency))
    _check(payer, taker, amount, own)
    entry = draft(own)
    booking.post(session, actor, [entry], spares={payer})
    if rest := amount - own:
        ledger.claims.add(session, payer, rest, reference=reference)


def drafts(session: Session, payer: Account, taker: Account, amount: Money, draft: Drafting) -> list[Draft]:
    """What `post` would write by the balances of now. Where it would be refused: the whole, which is not covered."""
    own = covered(payer, amount, ledger.balance(session, payer))
    return [draft(own if own or taker.purpose != "suspense" else amount)]


def covered(payer: Account, amount: Money, has: Money) -> Money:
    """What the payer has of the amount; the desk and the outside world may go below zero, so they have all of it."""
    if payer.owner_id is None:
        return amount
    return min(amount, max(has, Money.zero(amount.currency)))


def _check(payer: Account, taker: Account, amount: Money, own: Money) -> None:
    if not own and taker.purpose == "suspense":
        raise InsufficientFunds.by(amount, account=payer)
