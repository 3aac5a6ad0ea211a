"""How staff change reference data; each act is audited and seen by every process within 5 seconds."""
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import audit
from portal.core.access import Actor
from portal.core.db import locked_one
from portal.core.errors import Conflict, FieldError, Invalid, NotFound, Rejected
from portal.reference import cache
from portal.reference.commands import AddBank, AddMethod, Rail, SetBank, SetMethod, SetRate, Switch
from portal.reference.models import Bank, Currency, Method, Rate

T = TypeVar("T", Method, Bank)
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
    check_pair(session, command.base, command.quote)
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


def check_pair(session: Session, base: str, quote: str) -> None:
    """Two currencies the desk knows; the base is locked, so that two rates of a pair cannot each jump fivefold.

    Raises Invalid, NotFound.
    """
    if base == quote:
        raise Invalid(fields=[FieldError("/quote", "same_currency", "A rate is between two currencies.")])
    known = locked_one(session, select(Currency).where(Currency.code == base))
    if known is None or session.get(Currency, quote) is None:
        raise NotFound()


def _jumps(last: Decimal, rate: Decimal) -> bool:
    return rate >= last * JUMP or rate * JUMP <= last


def add_method(session: Session, actor: Actor, command: AddMethod) -> Method:
    """A new payment rail, offered at once. Raises CodeTaken, Invalid (an unknown currency, no pattern)."""
    if command.validator == "pattern" and not command.pattern:
        raise Invalid(fields=[FieldError("/pattern", "missing", "Field required")])
    _currencies(session, command)
    return _added(session, actor, "method", Method(code=command.code, validator=command.validator,
                                                   **_columns(command)), command.reason)


def set_method(session: Session, actor: Actor, command: SetMethod) -> Method:
    """Other words, order, countries or networks; numbers that are there stay. Harmless twice. Raises NotFound, Invalid.

    How its numbers look is fixed: other numbers are another method.
    """
    method: Method = _found(session, Method, command.code)
    if command.pattern != method.rules.get("pattern", ""):
        raise Invalid(fields=[FieldError("/pattern", "fixed", "How numbers look is fixed: add another method.")])
    _currencies(session, command)
    return _set(session, actor, "method", method, _columns(command), command.reason)


def add_bank(session: Session, actor: Actor, command: AddBank) -> Bank:
    """A bank to be chosen, offered at once. Raises CodeTaken."""
    return _added(session, actor, "bank", Bank(**command.model_dump(exclude={"reason"})), command.reason)


def set_bank(session: Session, actor: Actor, command: SetBank) -> Bank:
    """Another name or order. Harmless twice. Raises NotFound."""
    bank: Bank = _found(session, Bank, command.code)
    return _set(session, actor, "bank", bank, command.model_dump(exclude={"reason", "code"}), command.reason)


def switch(session: Session, actor: Actor, command: Switch) -> None:
    """New orders stop or begin to be offered it; orders already made go on. Raises NotFound."""
    row = _found(session, {"currency": Currency, "method": Method, "bank": Bank}[command.kind], command.code)
    if row.active == command.active:
        return
    audit.record(session, actor, f"{command.kind}.switched", command.kind, command.code, reason=command.reason,
                 before={"active": row.active}, after={"active": command.active})
    row.active = command.active
    session.flush()
    cache.changed(session)


def _found(session: Session, model: Any, code: str) -> Any:
    row = locked_one(session, select(model).where(model.code == code))
    if row is None:
        raise NotFound()
    return row


def _columns(command: Rail) -> dict[str, Any]:
    names = {"name", "name_ru", "number_label", "number_label_ru", "position"}
    return command.model_dump(include=names) | {"rules": command.rules, "currencies": list(command.currencies)}


def _currencies(session: Session, command: Rail) -> None:
    unknown = set(command.currencies) - set(cache.snapshot(session).currencies)
    if unknown:
        raise Invalid(fields=[FieldError("/currencies", "unknown_currency", "There is no such currency.")])


def _added(session: Session, actor: Actor, kind: str, row: T, reason: str | None) -> T:
    if session.get(type(row), row.code) is not None:
        raise CodeTaken()
    session.add(row)
    session.flush()
    audit.record(session, actor, f"{kind}.added", kind, row.code, after=_facts(row), reason=reason)
    cache.changed(session)
    return row


def _set(session: Session, actor: Actor, kind: str, row: T, after: dict[str, Any], reason: str | None) -> T:
    before = {name: getattr(row, name) for name in after}
    if before != after:
        for name, value in after.items():
            setattr(row, name, value)
        session.flush()
        audit.record(session, actor, f"{kind}.set", kind, row.code, before=before, after=after, reason=reason)
        cache.changed(session)
    return row


def _facts(row: Method | Bank) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in row.__table__.columns
            if column.name not in ("created_at", "updated_at")}
