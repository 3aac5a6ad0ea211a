"""What stands in a file of payouts, and each row judged by the rules and the records of now; nothing is made."""
import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, any_, literal, select
from sqlalchemy.orm import Session

from portal import reference
from portal.core import crypto, ids
from portal.core.errors import FieldError
from portal.imports import row_checks
from portal.imports.row_checks import Row, reads
from portal.imports.tables import Column, Line
from portal.orders import destinations
from portal.orders.commands import CreatePayout
from portal.orders.facts import PREFIXES
from portal.orders.intake.create import Price, method_of, price
from portal.orders.intake.store_terms import Terms, terms_of
from portal.orders.models import Order
from portal.orders.states import Direction
from portal.parties.models import Store
from portal.parties.stores import key_place
from portal.payouts import typed
from portal.payouts.models import PayoutImport, PayoutImportRow
from portal.reference import validators
from portal.requisites.models import mask_of

ROWS_MAX = 5_000
COLUMNS = (
    Column("external_id", "external id", "внешний id", "salary-2026-11-001"),
    Column("amount", "amount", "сумма", "1 500,00"),
    Column("currency", "currency", "валюта", "RUB"),
    Column("method", "method", "способ", "card"),
    Column("number", "number", "номер", "4000 0000 0000 0002"),
    Column("bank", "bank", "банк", "", needed=False),
    Column("holder", "recipient", "получатель", "Ivan Petrov", needed=False),
    Column("description", "description", "описание", "", needed=False),
)
REASON = Column("reason", "what to mend", "что исправить", "", needed=False)
READ = (*COLUMNS, REASON)
"""A file of bad rows is mended and taken in again with the column that says what was wrong."""
UNDER_WAY = ("waiting", "making")


def judge(session: Session, store: Store, lines: Sequence[Line]) -> list[Row]:
    """Every row with the payout it asks for (`made`: command, price, mask) or all that is wrong with it.

    Raises StoreSuspended.
    """
    terms, known = terms_of(store.id), reference.snapshot(session)
    judged = [Row(line.number, {name: text for name, text in line.cells.items() if name != REASON.name})
              for line in lines]
    for row in judged:
        _judge_one(row, terms, known)
    _once(session, store, judged)
    return judged


def _judge_one(row: Row, terms: Terms, known: reference.Reference) -> None:
    command: CreatePayout | None = reads(row, "external_id", lambda: typed.payout(row.cells))
    if command is None:
        return
    with_all: list[str | None] = []
    with row_checks.refusing(row, "number"), typed.at_plain_fields():
        number = destinations.canonical(command.destination, command.currency)
        card = known.method(command.method).validator in validators.CARDS
        with_all.append(mask_of(number[:6] if card else "", number[-4:]))
    found: Price | None = None
    with row_checks.refusing(row, "amount"), typed.at_plain_fields():
        method = method_of(terms, command, command.money)
        found = price(terms, Direction.PAYOUT, method, command.money)
    if found is not None and with_all:
        row.made |= {"command": command, "price": found, "mask": with_all[0]}


def _once(session: Session, store: Store, rows: Iterable[Row]) -> None:
    """An external id stands in the file once, in no payout that there is and in none that is under way."""
    seen: set[str] = set()
    asked = [row for row in rows if row.cells["external_id"] and "external_id" not in row.wrong]
    wanted = [row.cells["external_id"] for row in asked]
    one_of = any_(literal(wanted, ARRAY(Text)))
    paid: dict[str, UUID] = dict(session.execute(select(Order.external_id, Order.id).where(
        Order.store_id == store.id, Order.live, Order.external_id == one_of)).all())
    coming = set(session.scalars(select(PayoutImportRow.external_id).join(
        PayoutImport, PayoutImport.id == PayoutImportRow.import_id).where(
            PayoutImport.store_id == store.id, PayoutImport.state.in_(UNDER_WAY), PayoutImportRow.state == "right",
            PayoutImportRow.external_id == one_of)))
    for row, id in zip(asked, wanted, strict=True):
        if id in seen:
            row.refuse("external_id", "twice", "This stands in the file twice.")
        elif id in paid:
            row.refuse("external_id", "external_id_taken", "This was asked for already: %(order)s.",
                       {"order": ids.public(PREFIXES[Direction.PAYOUT], paid[id])})
        elif id in coming:
            row.refuse("external_id", "external_id_coming", "This waits in another file that was sent.")
        seen.add(id)


def columns_of(row: Row, taken: PayoutImport, keyring: crypto.Keyring) -> dict[str, Any]:
    """The row as it is kept."""
    command: CreatePayout | None = row.made.get("command")
    right = command is not None and not row.wrong
    cells = row.cells
    return {
        "import_id": taken.id, "number": row.number, "state": "right" if right else "wrong",
        "external_id": cells.get("external_id", "")[:255],
        "mask": row.made.get("mask") or _tail(cells.get("number", "")),
        "currency": command.currency if command else None, "amount_minor": command.money.minor if command else None,
        "method": command.method if command else None, "wrong": told(row.wrong),
        "cells_sealed": keyring.seal(json.dumps(cells).encode(), place=_place(taken, row.number)), "order_id": None}


def told(wrong: dict[str, FieldError]) -> list[list[Any]]:
    """What is wrong, to be kept: [column, code, sentence, params]."""
    return [[column, one.code, one.sentence, {name: str(value) for name, value in one.params.items()}]
            for column, one in wrong.items()]


def cells_of(taken: PayoutImport, row: PayoutImportRow, keyring: crypto.Keyring) -> dict[str, str]:
    """As it was typed, number and all. Showing it is the caller's to justify."""
    if row.cells_sealed is None:
        return {}
    return dict(json.loads(keyring.open(row.cells_sealed, place=_place(taken, row.number))))


def keyring_of(store: Store) -> crypto.Keyring:
    return crypto.data_keyring(store.data_key, place=key_place(store.id))


def _tail(number: str) -> str:
    return f"•••• {number[-4:]}" if len(number) > 8 else ""


def _place(taken: PayoutImport, number: int) -> str:
    return f"payout_import_rows|cells_sealed|{ids.text(taken.id)}/{number}"
