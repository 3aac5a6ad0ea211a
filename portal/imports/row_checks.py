"""Each row against the rules and the records of now: what would be made of it, or what is wrong with which cell."""
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import ledger, reference
from portal.core import typed_amounts
from portal.core.commands import Command, bind
from portal.core.errors import FieldError, Invalid, PortalError
from portal.core.ids import new_id
from portal.core.money import Money
from portal.core.names import canonical
from portal.imports.tables import Line
from portal.ledger.models import AccountRow, BalanceRow
from portal.parties.commands import CreateMerchant, CreateStore, CreateTrader, StoreTerms
from portal.parties.models import Merchant, Store, Trader
from portal.requisites import numbers
from portal.requisites.commands import AddRequisite

C = TypeVar("C", bound=Command)
T = TypeVar("T")


class Cells(dict[str, str]):
    """A row as a form that was typed: empty cells are absent, texts become numbers."""

    def getlist(self, name: str) -> list[str]:
        return [self[name]] if name in self else []


@dataclass
class Row:
    """`made`: the commands that will be done for it, by what they are. `wrong`: by column, what to mend."""

    number: int  # of the file's lines, the head being 1
    cells: dict[str, str]
    made: dict[str, Any] = field(default_factory=dict)
    wrong: dict[str, FieldError] = field(default_factory=dict)

    def refuse(self, column: str, code: str, sentence: str, params: Mapping[str, object] | None = None) -> None:
        """The first thing that is wrong with a cell is enough to mend it."""
        self.wrong.setdefault(column, FieldError(f"/{column}", code, sentence, params))


@dataclass
class Book:
    """What the rows are judged by: who is there already, and what stood in earlier rows."""

    session: Session
    known: reference.Reference
    people: dict[str, dict[str, list[Any]]]  # merchants and traders by canonical name, stores by slug
    seen: set[tuple[str, object]] = field(default_factory=set)
    currency: str | None = None  # of a file of balances, by its first row

    def twice(self, row: Row, column: str, mark: object) -> None:
        """The same thing in two rows of the file."""
        if (column, mark) in self.seen:
            row.refuse(column, "twice", "This stands in the file twice.")
        self.seen.add((column, mark))

    def one(self, row: Row, column: str, kind: str, name: str) -> Any:
        """The record that a row names, or None with the reason in the row."""
        found = self.people[kind].get(canonical(name), []) if name else []
        if not name:
            row.refuse(column, "missing", "Field required")
        elif len(found) > 1:
            row.refuse(column, "ambiguous", "Several have this name: rename one first.")
        elif not found:
            row.refuse(column, "unknown_record", "There is nobody of this name: import or make them first.")
        return found[0] if len(found) == 1 else None

    def free(self, row: Row, column: str, kind: str, name: str) -> None:
        if name and canonical(name) in self.people[kind]:
            row.refuse(column, "exists", "This one is there already.")
        self.twice(row, column, canonical(name))


def judge(session: Session, sheet: str, rows: list[Line]) -> list[Row]:
    """Every row, with what is wrong with it; nothing is made."""
    known = reference.snapshot(session)
    people: dict[str, dict[str, list[Any]]] = {"merchants": {}, "stores": {}, "traders": {}}
    for kind, every in (("merchants", select(Merchant)), ("stores", select(Store)),
                        ("traders", select(Trader).where(~Trader.robot))):
        for one in session.scalars(every.execution_options(populate_existing=True)):
            people[kind].setdefault(canonical(one.slug if kind == "stores" else one.name), []).append(one)
    book = Book(session, known, people)
    judged = [Row(*line) for line in rows]
    for row in judged:
        JUDGES[sheet](book, row)
    return judged


def _merchant(book: Book, row: Row) -> None:
    row.made["merchant"] = _bound(row, CreateMerchant, row.cells)
    book.free(row, "name", "merchants", row.cells["name"])


def _store(book: Book, row: Row) -> None:
    cells = dict(row.cells)
    merchant = book.one(row, "merchant", "merchants", cells.pop("merchant"))
    book.free(row, "slug", "stores", cells["slug"])
    currency = _currency(book, row, "currency", cells.pop("currency"), fiat=True)
    _currency(book, row, "settlement_currency", cells["settlement_currency"])
    least, most = (_amount(row, name, cells.pop(name), currency) for name in ("min_amount", "max_amount"))
    methods = tuple(cells.pop("methods").replace(";", ",").replace(",", " ").split())
    for code in methods:
        reads(row, "methods", lambda code=code: book.known.method(code))  # type: ignore[misc]
    if not methods:
        row.refuse("methods", "missing", "Field required")
    if least and most and not 0 < least.minor <= most.minor:
        row.refuse("max_amount", "range", "The largest is below the smallest.")
    row.made["bps"] = _percent(row, "fee_percent", cells.pop("fee_percent"))
    hosts = tuple(cells.pop("return_hosts", "").replace(",", " ").split())
    if row.wrong or least is None or most is None:
        return
    terms = StoreTerms(currency=least.currency, min_minor=least.minor, max_minor=most.minor, methods=methods)
    row.made["store"] = _bound(row, CreateStore, cells, merchant_id=merchant.id, currencies=(terms,),
                               return_hosts=hosts)


def _trader(book: Book, row: Row) -> None:
    cells = dict(row.cells)
    row.made["bps"] = _percent(row, "reward_percent", cells.pop("reward_percent"))
    _currency(book, row, "settlement_currency", cells["settlement_currency"])
    row.made["trader"] = _bound(row, CreateTrader, cells)
    book.free(row, "name", "traders", cells["name"])


def _requisite(book: Book, row: Row) -> None:
    cells = dict(row.cells)
    trader = book.one(row, "trader", "traders", cells.pop("trader"))
    currency = _currency(book, row, "currency", cells["currency"], fiat=True)
    for name in ("min_amount", "max_amount", "day_max", "month_max"):
        if cells.get(name) and (amount := _amount(row, name, cells[name], currency)):
            cells[name] = amount.text
    method = reads(row, "method", lambda: book.known.method(cells["method"]))
    command = _bound(row, AddRequisite, cells, trader_id=trader.id if trader else new_id())
    if command is None or method is None:
        return
    reads(row, "number", lambda: command.columns(command.currency))
    number = reads(row, "number", lambda: numbers.canonical(book.known, command))
    if number is not None:
        book.twice(row, "number", (numbers.fingerprint(number), command.currency))
        if numbers.is_taken(book.session, number, currency=command.currency, live=True):
            row.refuse("number", "number_taken", "This number is on the desk already.")
    row.made["requisite"] = command


def _balance(book: Book, row: Row) -> None:
    kind = row.cells["owner_kind"]
    if kind not in ("store", "trader"):
        row.refuse("owner_kind", "unknown_kind", "Write trader or store.")
        return
    owner = book.one(row, "owner", f"{kind}s", row.cells["owner"])
    if owner is None:
        return
    book.twice(row, "owner", (kind, owner.id))
    amount = _amount(row, "amount", row.cells["amount"], owner.settlement_currency)
    if amount is not None and not amount:
        row.refuse("amount", "not_positive", "An opening balance is more than nothing.")
    book.currency = book.currency or owner.settlement_currency
    if owner.settlement_currency != book.currency:
        row.refuse("owner", "another_currency", "This balance is in %(currency)s, the first one in %(first)s: balances"
                   " of each currency are a file of their own.",
                   {"currency": owner.settlement_currency, "first": book.currency})
    if _moved(book.session, kind, owner.id):
        row.refuse("owner", "has_moved", "This balance has moved already: ask for a deposit instead.")
    if amount:
        row.made |= {"account": ledger.Account(kind, owner.id, "available", amount.currency, live=True),
                     "amount": amount}


def _moved(session: Session, kind: str, owner_id: UUID) -> bool:
    return session.scalar(select(AccountRow.id).join(BalanceRow, BalanceRow.account_id == AccountRow.id).where(
        AccountRow.owner_kind == kind, AccountRow.owner_id == owner_id, AccountRow.live,
        BalanceRow.credits_minor + BalanceRow.debits_minor > 0).limit(1)) is not None


JUDGES: dict[str, Callable[[Book, Row], None]] = {
    "merchants": _merchant, "stores": _store, "traders": _trader, "requisites": _requisite, "balances": _balance}


def _bound(row: Row, command: type[C], cells: dict[str, str], **known: object) -> C | None:
    return reads(row, next(iter(cells)), lambda: bind(command, Cells(cells), **known))


def reads(row: Row, column: str, read: Callable[[], T], *, fixed: bool = False) -> T | None:
    """What it gives, or None and the reason in the row: at the columns the refusal names, or `fixed` at this one."""
    found: T | None = None
    with refusing(row, column, fixed=fixed):
        found = read()
    return found


@contextmanager
def refusing(row: Row, column: str, *, fixed: bool = False) -> Iterator[None]:
    """What is refused inside stands in the row."""
    try:
        yield
    except Invalid as error:
        for one in error.fields:
            name = one.field.strip("/").split("/")[0]
            row.refuse(name if name in row.cells and not fixed else column, one.code, one.sentence, one.params)
    except PortalError as error:
        row.refuse(column, error.code, str(error))


def _currency(book: Book, row: Row, column: str, code: str, *, fiat: bool = False) -> str | None:
    found = reads(row, column, lambda: book.known.currency(code.upper()), fixed=True)
    if found is not None and fiat and found.kind != "fiat":
        row.refuse(column, "not_fiat", "Stores take fiat currencies.")
        return None
    return found.code if found else None


def _amount(row: Row, column: str, text: str, currency: str | None) -> Money | None:
    if not text:
        row.refuse(column, "missing", "Field required")
    if not text or currency is None:
        return None
    return reads(row, column, lambda: typed_amounts.amount(column, text, currency))


def _percent(row: Row, column: str, text: str) -> int | None:
    """In hundredths of a percent."""
    if not text:
        row.refuse(column, "missing", "Field required")
        return None
    return reads(row, column, lambda: typed_amounts.percent(column, text))
