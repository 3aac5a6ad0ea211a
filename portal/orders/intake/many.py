"""Many payouts of one store at once, each as `create` alone would take it in: what one is refused stops no other."""
from collections.abc import Sequence

from sqlalchemy.orm import Session

from portal import ledger
from portal.core.access import Actor
from portal.core.errors import PortalError, Unavailable
from portal.orders import destinations
from portal.orders.commands import CreatePayout
from portal.orders.directions import drafted, rules_of
from portal.orders.intake.create import Created, asked_for, create, there_already
from portal.orders.intake.insert import Asked, write
from portal.orders.intake.store_terms import terms_of

Wanted = tuple[CreatePayout, str]
"""What is asked for, and its idempotency key."""
Outcome = Created | PortalError


def create_payouts(session: Session, actor: Actor, wanted: Sequence[Wanted]) -> list[Outcome]:
    """What became of each, in order: the payout, or why it was refused. A key that was used gives the payout of then.

    Two statements for all of them; where the balance does not cover all, one after the other until it is used up.
    Raises Unavailable (the desk is paused, no money leaves it, no rate, no tariff), which is the fault of none of them:
    the caller rolls back, for some may be made by then.
    """
    try:
        _refuse_while_kept(session, actor)
        with session.begin_nested():
            return _together(session, actor, wanted)
    except ledger.claims.ClaimOpen as error:
        return [error for _ in wanted]
    except ledger.InsufficientFunds:
        return [_alone(session, actor, one) for one in wanted]


def _refuse_while_kept(session: Session, actor: Actor) -> None:
    if actor.store_id is not None and actor.live:
        ledger.stops.refuse_while_kept(session, actor.store_id, terms_of(actor.store_id).settlement_currency)


def _together(session: Session, actor: Actor, wanted: Sequence[Wanted]) -> list[Outcome]:
    judged = [_asked(session, actor, one) for one in wanted]
    asked = [one for one in judged if isinstance(one, Asked)]
    written = write(session, asked) if asked else set()
    ledger.post(session, actor, drafted(*(rules_of(one.order).on_create(one.order) for one in asked
                                          if one.order.id in written)))
    return [one if isinstance(one, PortalError) else Created(one.order, one.answer) if one.order.id in written
            else _there_already(session, one) for one in judged]


def _asked(session: Session, actor: Actor, wanted: Wanted) -> Asked | PortalError:
    assert actor.store_id is not None
    command, key = wanted
    try:
        return asked_for(actor, command, idempotency_key=key,
                         recipient=destinations.sealed(actor.store_id, command))
    except Unavailable:
        raise
    except PortalError as error:
        return error


def _alone(session: Session, actor: Actor, wanted: Wanted) -> Outcome:
    command, key = wanted
    try:
        with session.begin_nested():
            return create(session, actor, command, idempotency_key=key)
    except Unavailable:
        raise
    except PortalError as error:
        return error


def _there_already(session: Session, asked: Asked) -> Outcome:
    try:
        return there_already(session, asked.order)
    except PortalError as error:
        return error
