"""How staff change reference data; each act is audited and seen by every process within 5 seconds."""
from decimal import Decimal
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.access import Actor
from portal.core.db import locked_one
from portal.core.errors import Conflict, FieldError, Invalid, NotFound, Rejected
from portal.reference import cache
from portal.reference.commands import AddMethod, SetRate, Switch
from portal.reference.models import Bank, Currency, Method, Rate

T = TypeVar("T")
JUMP = 10  # a rate this many times the last one, or this small a part of it, is a slip of the finger


class RateJump(Rejected):
    """This rate is ten times the last one or a tenth of it. Check it, then set it again with "force"."""

    code = "rate_jump"


class CodeTaken(Conflict):
    """There is one with this code already."""

    code = "code_taken"


def set_rate(session: Session, actor: Actor, command: SetRate) -> Rate:
    """A new rate counts for orders from now on; orders already made keep theirs.

    Raises NotFound for an unknown currency, Invalid for one currency twice, RateJump.
    """
    if command.base == command.quote:
        raise Invalid(fields=[FieldError("/quote", "same_currency", "A rate is between two currencies.")])
    # one at a time for a base, so that two feeds cannot each jump fivefold
    base = locked_one(session, select(Currency).where(Currency.code == command.base))
    if base is None or session.get(Currency, command.quote) is None:
        raise NotFound()
    last = session.scalar(select(Rate.rate).where(Rate.base == command.base, Rate.quote == command.quote)
                          .order_by(Rate.at.desc(), Rate.id.desc()).limit(1))
    if last is not None and not command.force and _jumps(last, command.number):
        raise RateJump(last=str(last), rate=command.rate)
    rate = Rate(base=command.base, quote=command.quote, rate=command.number, source=command.source, set_by=actor.id)
    session.add(rate)
    session.flush()
    audit.record(session, actor, "rate.set", "rate", f"{command.base}-{command.quote}", reason=command.reason,
                 before=None if last is None else {"rate": str(last)},
                 after={"rate": command.rate, "source": command.source})
    cache.changed(session)
    return rate


def _jumps(last: Decimal, rate: Decimal) -> bool:
    return rate >= last * JUMP or rate * JUMP <= last


def add_method(session: Session, actor: Actor, command: AddMethod) -> Method:
    """A new payment rail, offered at once. Raises CodeTaken."""
    if session.get(Method, command.code) is not None:
        raise CodeTaken()
    method = Method(**command.model_dump())
    session.add(method)
    return _added(session, actor, "method", method, command.code, command.model_dump())


def switch(session: Session, actor: Actor, command: Switch) -> None:
    """New orders stop or begin to be offered it; orders already made go on. Raises NotFound."""
    row: Currency | Method | Bank | None
    match command.kind:
        case "currency":
            row = session.get(Currency, command.code)
        case "method":
            row = session.get(Method, command.code)
        case "bank":
            row = session.get(Bank, command.code)
    if row is None:
        raise NotFound()
    if row.active == command.active:
        return
    audit.record(session, actor, f"{command.kind}.switched", command.kind, command.code,
                 before={"active": row.active}, after={"active": command.active})
    row.active = command.active
    session.flush()
    cache.changed(session)


def _added(session: Session, actor: Actor, kind: str, row: T, code: str, after: dict[str, str]) -> T:
    session.flush()
    audit.record(session, actor, f"{kind}.added", kind, code, after=after)
    cache.changed(session)
    return row
