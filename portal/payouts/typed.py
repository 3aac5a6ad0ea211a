"""A payout as a person types it, in a form or in a row of a file: flat, amounts as people write them."""
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from portal.core import names, typed_amounts
from portal.core.commands import Command, bind
from portal.core.errors import FieldError, Invalid
from portal.core.money import EXPONENTS, Money
from portal.imports.row_checks import Cells
from portal.orders.commands import Code, CreatePayout, Description, Destination, Text, external_id

ASKED = ("external_id", "amount", "currency", "method", "bank", "number", "holder", "description")


class TypedPayout(Command):
    """The fields of CreatePayout and of its destination side by side."""

    external_id: Annotated[Text, AfterValidator(external_id)]
    amount: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{3,10}$", to_upper=True)]
    method: Code
    number: Annotated[str, StringConstraints(min_length=4, max_length=64)]
    bank: Code | None = None
    holder: Annotated[Text, AfterValidator(names.tidy)] | None = None
    description: Description | None = Field(None)


def payout(cells: Mapping[str, str]) -> CreatePayout:
    """What the cells ask for. Raises Invalid with all that is wrong, at the cells' own names."""
    asked, wrong = {name: cells[name] for name in ASKED if name in cells}, []
    try:
        typed = bind(TypedPayout, Cells(asked))
    except Invalid as error:
        wrong = error.fields
    currency, text = asked.get("currency", "").strip().upper(), asked.get("amount", "").strip()
    if currency and currency not in EXPONENTS and not _about("currency", wrong):
        wrong.append(FieldError("/currency", "unknown_currency", "The desk does not know this currency."))
    amount = None
    if text and currency in EXPONENTS and not _about("amount", wrong):
        try:
            amount = typed_amounts.amount("amount", text, currency)
        except Invalid as error:
            wrong += error.fields
    if wrong or amount is None:
        raise Invalid(fields=wrong)
    return _command(typed, amount)


def kept(cells: Mapping[str, str], amount: Money) -> CreatePayout:
    """The same of cells that were judged before, with the amount that was read then. Raises Invalid."""
    return _command(bind(TypedPayout, Cells({name: cells[name] for name in ASKED if name in cells})), amount)


@contextmanager
def at_plain_fields() -> Iterator[None]:
    """`/destination/number` is the form's `number`."""
    try:
        yield
    except Invalid as wrong:
        raise Invalid(fields=[FieldError(one.field.replace("/destination/", "/"), one.code, one.sentence, one.params)
                              for one in wrong.fields]) from None


def _command(typed: TypedPayout, amount: Money) -> CreatePayout:
    with at_plain_fields():
        return bind(CreatePayout, {
            "external_id": typed.external_id, "amount": amount.text, "currency": amount.currency,
            "destination": typed.model_dump(include=set(Destination.model_fields), exclude_none=True),
            **({"description": typed.description} if typed.description else {})})


def _about(name: str, wrong: list[FieldError]) -> bool:
    return any(one.field == f"/{name}" for one in wrong)
