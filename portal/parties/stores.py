"""A merchant's shops: opened with what they take, suspended and set going again."""
from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core import audit, crypto, ids
from portal.core.access import Actor
from portal.core.db import locked_one
from portal.core.errors import Conflict, Denied, FieldError, Invalid, NotFound, judges
from portal.parties import keys, queries
from portal.parties.commands import CreateStore, MoveStore, SetStore, StoreTerms
from portal.parties.models import Merchant, Store, StoreCurrency


class SlugTaken(Conflict):
    """Another store has this short name already."""

    code = "slug_taken"


class StoreSuspended(Denied):
    """This store is suspended. Ask the operator."""

    code = "store_suspended"


judges({"uq_stores_slug": SlugTaken})


def key_place(store_id: UUID) -> str:
    """Where a store's data key lies: the associated data it was sealed with."""
    return f"stores|data_key|{store_id}"


def create(session: Session, actor: Actor, command: CreateStore) -> Store:
    """A shop opens, with a data key of its own and what it takes in each currency.

    Raises NotFound (merchant), Invalid (ranges, a currency twice), SlugTaken.
    """
    merchant: Merchant = queries.found(session, queries.merchants_visible_to(actor), command.merchant_id)
    _check(command.currencies)
    id = ids.new_id()
    store = Store(id=id, merchant_id=merchant.id, slug=command.slug, name=command.name,
                  settlement_currency=command.settlement_currency, brand_color=command.brand_color,
                  return_hosts=[host.lower() for host in command.return_hosts],
                  data_key=crypto.new_data_key(key_place(id)))
    session.add(store)
    session.flush()
    session.add_all(StoreCurrency(
        store_id=id, currency=terms.currency, min_minor=terms.min_minor, max_minor=terms.max_minor,
        methods=list(terms.methods), payin=terms.payin, payout=terms.payout) for terms in command.currencies)
    session.flush()
    audit.record(session, actor, "store.created", "store", id, after={
        "slug": store.slug, "merchant": str(merchant.id), "settlement_currency": store.settlement_currency,
        "currencies": [terms.model_dump(mode="json") for terms in command.currencies]})
    return store


def acting_for(session: Session, actor: Actor, store_id: UUID, *, live: bool = True) -> Actor:
    """Somebody of the merchant, asking for one of its shops as its system would. Raises NotFound."""
    store: Store = queries.found(session, queries.stores_visible_to(actor), store_id)
    return replace(actor, store_id=store.id, live=live)


def move(session: Session, actor: Actor, command: MoveStore) -> Store:
    """Suspend a shop or set it going; the keys of a suspended one are refused within a second. Harmless twice.

    Raises NotFound.
    """
    store = locked_one(session, queries.stores_visible_to(actor).where(Store.id == command.store_id))
    if store is None:
        raise NotFound()
    if store.status != command.status:
        before, store.status = store.status, command.status
        keys.forget(session)
        audit.record(session, actor, "store.moved", "store", store.id, before={"status": before},
                     after={"status": command.status}, reason=command.reason)
    return store


def set_up(session: Session, actor: Actor, command: SetStore) -> Store:
    """Another name, other clocks, other hosts to come back to; orders of before keep their deadlines. Harmless twice.

    Raises NotFound.
    """
    store = locked_one(session, queries.stores_visible_to(actor).where(Store.id == command.store_id))
    if store is None:
        raise NotFound()
    after = command.model_dump(exclude={"store_id"}) | {"return_hosts": sorted(set(command.return_hosts))}
    before = {name: getattr(store, name) for name in after}
    if before != after:
        for name, value in after.items():
            setattr(store, name, value)
        audit.record(session, actor, "store.set_up", "store", store.id, before=before, after=after)
    return store


def _check(currencies: Iterable[StoreTerms]) -> None:
    wrong, seen = [], set()
    for at, terms in enumerate(currencies):
        if terms.min_minor > terms.max_minor:
            wrong.append(FieldError(f"/currencies/{at}/max_minor", "range", "The largest is below the smallest."))
        if terms.currency in seen:
            wrong.append(FieldError(f"/currencies/{at}/currency", "twice", "This currency stands here twice."))
        seen.add(terms.currency)
    if wrong:
        raise Invalid(fields=wrong)
