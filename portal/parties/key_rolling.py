"""A key is rolled: another one takes over what it did, and it ends itself some hours later."""
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core import audit, clock, crypto, ids
from portal.core.access import Actor
from portal.core.errors import Conflict, judges
from portal.parties import key_signing, key_tokens, keys_told
from portal.parties.commands import RollKey
from portal.parties.models import ApiKey


class KeyRolled(Conflict):
    """This key was rolled already: its successor is in the list, and can be rolled in its turn."""

    code = "key_rolled"


judges({"uq_api_keys_replaces_id": KeyRolled})


def roll(session: Session, actor: Actor, command: RollKey, *, id: UUID | None = None) -> tuple[ApiKey, str]:
    """A new key for the same store, mode, scopes, networks and signing secret, told this once; the old one opens what
    it did for `overlap_hours` more. It lives as long as the old one was to live.

    `id`: of the form that asks. Raises NotFound, KeyEnded, KeyRolled.
    """
    old, now = key_signing.standing(session, actor, command.key_id), clock.now()
    public_id, token = key_tokens.new(live=old.live)
    key = ApiKey(
        id=id or ids.new_id(), public_id=public_id, store_id=old.store_id, live=old.live, name=old.name,
        digest=crypto.sha256(token), scopes=list(old.scopes), networks=list(old.networks), replaces_id=old.id,
        expires_at=None if old.expires_at is None else now + (old.expires_at - old.created_at))
    key_signing.carry_over(old, key)
    session.add(key)
    session.flush()
    ends_at = now + timedelta(hours=command.overlap_hours)
    old.expires_at = ends_at if old.expires_at is None else min(old.expires_at, ends_at)
    keys_told.tell(session)
    audit.record(session, actor, "key.rolled", "key", old.id, after={
        "new": str(key.id), "ends_at": clock.rfc3339(old.expires_at)})
    audit.record(session, actor, "key.created", "key", key.id, after={
        "store": str(key.store_id), "name": key.name, "live": key.live, "scopes": key.scopes,
        "networks": [str(network) for network in key.networks], "replaces": str(old.id)})
    return key, token
