"""The smallest withdrawal in each currency, as staff set it."""
from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal import reference
from portal.core import audit, typed_amounts
from portal.core.access import Actor, Permission
from portal.core.errors import Denied, FieldError, Invalid, NotFound
from portal.core.money import Money
from portal.treasury.commands import SetMinimum
from portal.treasury.models import WithdrawalMinimum


def check(session: Session, amount: Money) -> None:
    """Raises Invalid: nothing, or less than the minimum of its currency."""
    if not amount:
        raise Invalid(fields=[FieldError("/amount", "invalid_amount", "A withdrawal is more than nothing.")])
    least = of(session, amount.currency)
    if least is not None and amount < least:
        raise Invalid(fields=[FieldError("/amount", "amount_too_small", "The smallest withdrawal is %(minimum)s.",
                                         {"minimum": least})])


def of(session: Session, currency: str) -> Money | None:
    row = session.get(WithdrawalMinimum, currency, populate_existing=True)
    return row.minimum if row is not None else None


def all_of(session: Session) -> Sequence[WithdrawalMinimum]:
    return session.scalars(select(WithdrawalMinimum).order_by(WithdrawalMinimum.currency)).all()


def currencies() -> list[str]:
    """Of those that balances are kept in: what a minimum can be set for."""
    known = reference.snapshot().currencies
    return sorted(code for code, one in known.items() if one.active and one.kind == "crypto") + sorted(
        code for code, one in known.items() if one.active and one.kind != "crypto")


def put(session: Session, actor: Actor, command: SetMinimum) -> None:
    """From now on no smaller withdrawal is asked for. Raises Denied, NotFound (no such currency), Invalid."""
    if not (actor.is_staff and actor.may(Permission.WITHDRAWAL_DECIDE)):
        raise Denied()
    if command.currency not in reference.snapshot(session).currencies:
        raise NotFound()
    before = of(session, command.currency)
    after = typed_amounts.amount("amount", command.amount, command.currency) if command.amount else None
    if not after:
        session.execute(delete(WithdrawalMinimum).where(WithdrawalMinimum.currency == command.currency))
    else:
        row = insert(WithdrawalMinimum).values(currency=command.currency, min_minor=after.minor)
        session.execute(row.on_conflict_do_update(index_elements=["currency"], set_={"min_minor": after.minor}))
    session.expire_all()
    audit.record(session, actor, "withdrawal_minimum.set", "currency", command.currency,
                 before={"amount": before.text if before else None}, after={"amount": after.text if after else None})
