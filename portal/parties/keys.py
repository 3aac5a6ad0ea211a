"""API keys of stores: made, found by their token, revoked.

A found key is remembered for some seconds per process; `key_invalidation` hears of every revocation and suspension at
once.
"""
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from uuid import UUID

from sqlalchemy.orm import Session, joinedload

from portal.core import audit, clock, crypto, ids
from portal.core.access import SCOPES, Actor
from portal.core.db import engine, give_back, locked_one, reader, translated
from portal.core.errors import Conflict, FieldError, Invalid, NotFound, Rejected, judges
from portal.parties import access_tokens, key_cache, key_invalidation, key_tokens, keys_told, queries
from portal.parties.commands import CreateKey, RenameKey, RevokeKey
from portal.parties.key_cache import FoundKey
from portal.parties.key_invalidation import Watch
from portal.parties.models import ApiKey, Store

forget = keys_told.tell
NOBODY = crypto.sha256("nobody's key")


class LiveNotAllowed(Rejected):
    """This store takes no live orders yet. Use a test key until the operator has opened it."""

    code = "live_not_allowed"


class KeyMade(Conflict):
    """This form was sent already and its key is in the list. A key is shown once: revoke it if you did not keep it."""

    code = "key_already_made"


judges({"pk_api_keys": KeyMade})


def create(session: Session, actor: Actor, command: CreateKey, *, id: UUID | None = None) -> tuple[ApiKey, str]:
    """A store gets a key. The token is returned this once and kept nowhere.

    `id`: of the form that asks, so that the same form makes one key. Raises NotFound (store), LiveNotAllowed, KeyMade,
    Invalid (scopes, networks, expiry).
    """
    visible = queries.stores_visible_to(actor).options(joinedload(Store.merchant))
    store: Store = queries.found(session, visible, command.store_id)
    _check(command)
    if command.live and not actor.is_system and not may_be_live(store):
        raise LiveNotAllowed()
    public_id, token = key_tokens.new(live=command.live)
    key = ApiKey(id=id or ids.new_id(), public_id=public_id, store_id=store.id, live=command.live, name=command.name,
                 digest=crypto.sha256(token), scopes=sorted(set(command.scopes)), networks=list(command.networks),
                 expires_at=_end_of(command))
    session.add(key)
    session.flush()
    audit.record(session, actor, "key.created", "key", key.id, after={
        "store": str(store.id), "name": key.name, "live": key.live, "scopes": key.scopes,
        "networks": list(command.networks)})
    return key, token


def revoke(session: Session, actor: Actor, command: RevokeKey) -> ApiKey:
    """The key opens nothing any more, in every process within a second. Harmless twice. Raises NotFound."""
    key = locked_one(session, queries.keys_visible_to(actor).where(ApiKey.id == command.key_id))
    if key is None:
        raise NotFound()
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        forget(session)
        audit.record(session, actor, "key.revoked", "key", key.id, reason=command.reason)
    return key


def rename(session: Session, actor: Actor, command: RenameKey) -> ApiKey:
    """What people call it; nothing else changes. Raises NotFound."""
    key = locked_one(session, queries.keys_visible_to(actor).where(ApiKey.id == command.key_id))
    if key is None:
        raise NotFound()
    if key.name != command.name:
        before, key.name = key.name, command.name
        audit.record(session, actor, "key.renamed", "key", key.id, before={"name": before},
                     after={"name": command.name})
    return key


def may_be_live(store: Store) -> bool:
    """Approved, and not suspended. The store with its merchant."""
    return store.status == "active" and store.merchant.status == "active"


def find(token: str, *, address: str | None = None) -> FoundKey | None:
    """The key behind its secret or an access token, or None: unknown, mistyped, revoked, expired. Mostly no query.

    `address`: from where, for "last used"; written by the listener's own connection, never in this request.
    """
    watch = key_invalidation.of(engine())
    key = _by_secret(token, watch) if token.startswith(key_tokens.PREFIX) else _by_access_token(token, watch)
    if key is None or (key.expires_at is not None and key.expires_at <= clock.now()):
        return None
    watch.used(key.id, clock.now(), address)
    return key


def _by_secret(token: str, watch: Watch) -> FoundKey | None:
    digest = crypto.sha256(token)
    key = watch.recall(digest)
    if key is None:
        spelled = key_tokens.read(token)
        if spelled is None:
            return None
        known_at = watch.generation
        key = _look_up(spelled.public_id)
        # compared for an unknown id too: the answer takes the same time
        if not crypto.same(digest, key.digest if key is not None else NOBODY) or key is None:
            return None
        watch.remember(digest, key, known_at)
    return key


def _by_access_token(token: str, watch: Watch) -> FoundKey | None:
    """As its key stands now, with no more than the token's scopes."""
    claims = access_tokens.read(token)
    if claims is None:
        return None
    key = watch.recall(claims.digest) if claims.digest is not None else None
    if key is None:
        known_at = watch.generation
        key = _look_up(claims.public_id)
        if key is None:
            return None
        watch.remember(key.digest, key, known_at)
        claims.digest = key.digest
    scopes = key.scopes & claims.scopes
    return replace(key, scopes=scopes, permissions=key_cache.permissions_of(scopes))


def _look_up(public_id: str) -> FoundKey | None:
    with translated():
        row = reader().connection().exec_driver_sql(key_cache.LOOK_UP, ([public_id],)).one_or_none()
    give_back()  # what follows may wait
    return key_cache.read(row) if row is not None else None


def _end_of(command: CreateKey) -> datetime | None:
    return clock.now() + timedelta(days=command.lives_days) if command.lives_days is not None else command.expires_at


def _check(command: CreateKey) -> None:
    wrong = [FieldError(f"/scopes/{at}", "unknown_scope", "There is no such scope.")
             for at, scope in enumerate(command.scopes) if scope not in SCOPES]
    for at, network in enumerate(command.networks):
        try:
            ip_network(network)
        except ValueError:
            wrong.append(FieldError(f"/networks/{at}", "invalid_network",
                                    "This is not a network, as in 203.0.113.0/24."))
    if command.expires_at is not None and (command.expires_at.tzinfo is None or command.expires_at <= clock.now()):
        wrong.append(FieldError("/expires_at", "in_the_past", "A key has to expire in the future."))
    if wrong:
        raise Invalid(fields=wrong)
