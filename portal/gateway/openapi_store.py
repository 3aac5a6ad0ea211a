"""The document for one key: which currencies, methods, amounts and banks its store takes, which calls are signed.

Without a key the document is the same at every desk, fit to make clients from; with one a request that it allows is
a request that is taken.
"""
import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import Flask

from portal import reference
from portal.core.access import Permission
from portal.core.money import EXPONENTS
from portal.gateway import idempotency, openapi, patterns, signing
from portal.gateway.auth import KeyActor
from portal.gateway.openapi_security import SIGNED
from portal.orders.intake.store_terms import CurrencyTerms, terms_of
from portal.reference import validators
from portal.reference.accounts import fits

Shape = dict[str, Any]
QUOTED_DIGITS_MAX = 9  # before the point: what is more is worth asking a person, and may be too much to be counted
RETURN_PATH = "(/[A-Za-z0-9._~/-]*)?"


@dataclass(frozen=True)
class Taken:
    """One currency of a store."""

    currency: str
    least_minor: int
    most_minor: int
    methods: tuple[str, ...]
    payin: bool
    payout: bool


@dataclass(frozen=True)
class Takes:
    """What a key's store takes, as a document says it. `signed`: what the key may not do without a signature."""

    currencies: tuple[Taken, ...]
    banks: tuple[tuple[str, str], ...]  # with the country
    hosts: tuple[str, ...]
    known: tuple[str, ...]  # currencies of the desk
    numbers: tuple[tuple[str, str], ...]  # method → the format of its numbers
    signed: frozenset[Permission]


def of_key(app: Flask, key: KeyActor) -> Shape:
    """Raises StoreSuspended."""
    assert key.store_id is not None, "a key is a store's"
    terms, known = terms_of(key.store_id), reference.snapshot()
    currencies = tuple(_taken(code, one) for code, one in sorted(terms.currencies.items()))
    methods = sorted({method for one in currencies for method in one.methods})
    return _narrowed(app, Takes(
        currencies, tuple(sorted((code, bank.country) for code, bank in known.banks.items() if bank.active)),
        tuple(sorted(terms.return_hosts)), tuple(sorted(known.currencies)),
        tuple((code, _format(known.methods[code].validator)) for code in methods if code in known.methods),
        frozenset(one for one in Permission if signing.is_wanted(key.signing, one))))


def _taken(code: str, one: CurrencyTerms) -> Taken:
    return Taken(code, one.least.minor, one.most.minor, tuple(one.methods), one.payin, one.payout)


def _format(validator: str) -> str:
    return "card-number" if validator in validators.CARDS else f"{validator}-number"


@lru_cache(64)
def _narrowed(app: Flask, takes: Takes) -> Shape:
    document = copy.deepcopy(openapi.document(app))
    schemas = document["components"]["schemas"]
    _orders(schemas["CreatePayin"], takes, [one for one in takes.currencies if one.payin])
    _orders(schemas["CreatePayout"], takes, [one for one in takes.currencies if one.payout], inside="destination")
    schemas["CreatePayin"]["properties"]["return_url"] = _or_null(_returns(takes))
    for name in ("CreatePayin", "Destination"):
        schemas[name]["properties"]["bank"] = _or_null({"type": "string", "enum": [code for code, _ in takes.banks]})
    formats = sorted({format for _, format in takes.numbers})
    if len(formats) == 1:
        schemas["Destination"]["properties"]["number"]["format"] = formats[0]
    for path in document["paths"].values():
        for parameter in path.get("get", {}).get("parameters", ()):
            _query(parameter, takes)
    _sign(document, app, takes.signed)
    return document


def _sign(document: Shape, app: Flask, needed: frozenset[Permission]) -> None:
    """The calls that are not taken unsigned; those that change something carry an `Idempotency-Key` then."""
    for rule, method, described in openapi.calls(app):
        if described.permission in needed:
            operation = document["paths"][openapi.path_of(rule)][method.lower()]
            operation["security"] = [way for way in operation["security"] if way.keys() >= SIGNED.keys()]
            for parameter in operation["parameters"]:
                parameter["required"] |= parameter["name"] == idempotency.HEADER


def _orders(shape: Shape, takes: Takes, taken: list[Taken], *, inside: str | None = None) -> None:
    """One way for each currency: its amounts and, in the body or `inside` it, its methods."""
    if not taken:
        return
    shape["properties"]["currency"]["enum"] = [one.currency for one in taken]
    shape["anyOf"] = []
    for one in taken:
        pattern = patterns.amount_between(one.least_minor, one.most_minor, EXPONENTS[one.currency])
        of_currency: Shape = {"currency": {"const": one.currency}, "amount": {"type": "string", "pattern": pattern}}
        way: Shape = {"properties": of_currency}
        if inside is not None:
            banks = [code for code, country in takes.banks if fits(country, one.currency)]
            of_currency[inside] = {"properties": {"method": {"enum": list(one.methods)},
                                                  "bank": {"enum": [*banks, None]}}}
        elif len(one.methods) > 1:
            of_currency["method"], way["required"] = {"enum": list(one.methods)}, ["method"]
        else:
            of_currency["method"] = {"enum": [*one.methods, None]}
        shape["anyOf"].append(way)


def _query(parameter: Shape, takes: Takes) -> None:
    if parameter["in"] != "query":
        return
    schema, name = parameter["schema"], parameter["name"]
    if name == "currency":
        taken = [one.currency for one in takes.currencies]
        schema["enum"] = taken if parameter["required"] else sorted(takes.known)
    elif name == "method" and takes.numbers:
        schema["enum"] = [code for code, _ in takes.numbers]
    elif name == "bank" and takes.banks:
        schema["enum"] = [code for code, _ in takes.banks]
    elif name == "amount":
        exponents = {EXPONENTS[one.currency] for one in takes.currencies}
        if len(exponents) == 1:  # else the digits follow the currency beside it, which no schema of one value can say
            schema["pattern"] = patterns.amount(exponents.pop(), QUOTED_DIGITS_MAX)


def _returns(takes: Takes) -> Shape:
    hosts = "|".join(host.replace(".", r"\.") for host in takes.hosts)
    return {"type": "string", "maxLength": 2000, "pattern": f"^https?://({hosts}){RETURN_PATH}$"} if hosts else {
        "type": "string", "enum": []}


def _or_null(schema: Shape) -> Shape:
    return {"anyOf": [schema, {"type": "null"}], "default": None} if schema.get("enum") != [] else {"type": "null"}
