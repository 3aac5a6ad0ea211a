"""The secret that calls with a key are signed with, whether all of them must be, and a store's payouts.

It is shown once and kept sealed: unlike the key it has to be known to verify. A new one leaves the old one a day, so
that servers change over when they like.
"""
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core import audit, clock, crypto
from portal.core.access import Actor
from portal.core.db import locked_one
from portal.core.errors import Conflict, NotFound, Rejected
from portal.parties import key_tokens, keys_told, queries
from portal.parties.commands import MakeSigningSecret, RequireSignedPayouts, RequireSigning
from portal.parties.models import ApiKey, Store

COUNTS_ALONG = timedelta(days=1)


class SigningSecretChanged(Conflict):
    """This key has another signing secret since you looked. Look at it again before you make a new one."""

    code = "signing_secret_changed"


class NoSigningSecret(Rejected):
    """This key has no signing secret yet. Make one first."""

    code = "no_signing_secret"


class KeyEnded(Rejected):
    """This key has ended or is revoked."""

    code = "key_ended"


def make_secret(session: Session, actor: Actor, command: MakeSigningSecret) -> tuple[ApiKey, str]:
    """A new secret, told this once. The one before counts along for a day. Raises NotFound, KeyEnded,
    SigningSecretChanged."""
    key = standing(session, actor, command.key_id)
    if key.signing_version != command.seen:
        raise SigningSecretChanged()
    if key.signing_sealed is not None:
        key.signing_previous_sealed = crypto.seal(opened(key.id, key.signing_sealed), place=_place(key.id, True))
        key.signing_previous_until = clock.now() + COUNTS_ALONG
    secret = key_tokens.new_signing_secret()
    key.signing_sealed = crypto.seal(secret, place=_place(key.id))
    key.signing_version += 1
    keys_told.tell(session)
    audit.record(session, actor, "key.signing_secret_made", "key", key.id)
    return key, secret


def require(session: Session, actor: Actor, command: RequireSigning) -> ApiKey:
    """Every call with the key is signed from now on, or need not be. Harmless twice.

    Raises NotFound, KeyEnded, NoSigningSecret.
    """
    key = standing(session, actor, command.key_id)
    if command.required and key.signing_sealed is None:
        raise NoSigningSecret()
    if key.signing_required != command.required:
        key.signing_required = command.required
        keys_told.tell(session)
        audit.record(session, actor, "key.signing_required" if command.required else "key.signing_optional",
                     "key", key.id)
    return key


def require_for_payouts(session: Session, actor: Actor, command: RequireSignedPayouts) -> Store:
    """No payout of the store is made, cancelled or confirmed over JSON without a signature, or it may be.

    Harmless twice. Raises NotFound.
    """
    store = locked_one(session, queries.stores_visible_to(actor).where(Store.id == command.store_id))
    if store is None:
        raise NotFound()
    if store.signed_payouts != command.required:
        before, store.signed_payouts = store.signed_payouts, command.required
        keys_told.tell(session)
        audit.record(session, actor, "store.signed_payouts_set", "store", store.id,
                     before={"signed_payouts": before}, after={"signed_payouts": command.required})
    return store


def standing(session: Session, actor: Actor, key_id: UUID) -> ApiKey:
    """The key, locked, while it opens anything. Raises NotFound, KeyEnded."""
    key = locked_one(session, queries.keys_visible_to(actor).where(ApiKey.id == key_id))
    if key is None:
        raise NotFound()
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= clock.now()):
        raise KeyEnded()
    return key


def carry_over(old: ApiKey, new: ApiKey) -> None:
    """A rolled key is signed with the secret of the one before it, and by the same rule."""
    if old.signing_sealed is not None:
        new.signing_sealed = crypto.seal(opened(old.id, old.signing_sealed), place=_place(new.id))
        new.signing_version, new.signing_required = 1, old.signing_required


def opened(key_id: UUID, sealed: bytes, *, previous: bool = False) -> str:
    """Raises CannotOpen."""
    return crypto.open_sealed(sealed, place=_place(key_id, previous))


def _place(key_id: UUID, previous: bool = False) -> str:
    return f"api_keys|{'signing_previous' if previous else 'signing'}|{key_id}"
