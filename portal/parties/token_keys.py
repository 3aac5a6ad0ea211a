"""The pairs of keys that access tokens are signed with (Ed25519), changed each month while both old and new count.

A key is shown a day before it signs, so that whoever keeps the public list has it by then, and counts until the last
token it signed has ended. After a leak `withdraw_all` drops every key at once; with them go all tokens.
"""
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy import LargeBinary, delete, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core import audit, clock, crypto, ids
from portal.core.access import Actor
from portal.core.columns import Id, Timestamped
from portal.core.db import Base
from portal.parties import keys_told

ALGORITHM = "EdDSA"
SIGNS_FOR = timedelta(days=30)
SHOWN_BEFORE = timedelta(days=1)
COUNTS_AFTER = timedelta(hours=1)  # its last token ends in a quarter of one
MOST = 10  # keys at a time: three, unless somebody rotates for sport


class TokenKey(Timestamped, Base):
    """A pair of keys; the private half is 32 bytes in hex, sealed."""

    __tablename__ = "token_keys"
    id: Mapped[Id]
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    private_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    signs_at: Mapped[datetime]

    @property
    def kid(self) -> str:
        return ids.public("tky", self.id)


def standing(session: Session) -> Sequence[TokenKey]:
    """Every key that counts or will, the newest first."""
    return session.scalars(select(TokenKey).order_by(TokenKey.signs_at.desc(), TokenKey.id.desc()).limit(MOST)).all()


def ensure(session: Session) -> None:
    """Work of a recurring job, and of the first token: a key that signs, the next one in time, old ones gone."""
    keys, now = _locked(session), clock.now()
    if not keys:
        _add(session, signs_at=now)
    elif keys[0].signs_at + SIGNS_FOR - SHOWN_BEFORE <= now:
        _add(session, signs_at=now + SHOWN_BEFORE)
    signing = next((key for key in keys if key.signs_at <= now), None)
    if signing is not None and signing.signs_at + COUNTS_AFTER <= now:
        session.execute(delete(TokenKey).where(TokenKey.signs_at < signing.signs_at))


def rotate(session: Session, actor: Actor) -> TokenKey:
    """A new key signs from now on; what the old one signed counts until it ends."""
    _locked(session)
    session.execute(delete(TokenKey).where(TokenKey.signs_at > clock.now()))  # it would sign in this one's place
    key = _add(session, signs_at=clock.now())
    audit.record(session, actor, "token_key.rotated", "token_key", key.id)
    return key


def withdraw_all(session: Session, actor: Actor) -> TokenKey:
    """A key has leaked: every token given out so far is refused within a second; a new key signs."""
    _locked(session)
    session.execute(delete(TokenKey))
    key = _add(session, signs_at=clock.now())
    audit.record(session, actor, "token_key.withdrawn", "token_key", key.id)
    return key


def private_key(id: UUID, sealed: bytes) -> Ed25519PrivateKey:
    """Raises CannotOpen."""
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(crypto.open_sealed(sealed, place=_place(id))))


def shown(keys: Sequence[TokenKey]) -> list[dict[str, Any]]:
    """The public halves as a JWK Set has them."""
    from jwt.algorithms import OKPAlgorithm

    found = []
    for key in keys:
        jwk = OKPAlgorithm.to_jwk(key_of(key.public_key), as_dict=True)
        found.append({**jwk, "kid": key.kid, "alg": ALGORITHM, "use": "sig"})
    return found


def key_of(public: bytes) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(bytes(public))


def _add(session: Session, *, signs_at: datetime) -> TokenKey:
    id, pair = ids.new_id(), Ed25519PrivateKey.generate()
    private = pair.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()).hex()
    key = TokenKey(id=id, public_key=pair.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw),
                   private_sealed=crypto.seal(private, place=_place(id)), signs_at=signs_at)
    session.add(key)
    session.flush()
    keys_told.tell(session)
    return key


def _locked(session: Session) -> Sequence[TokenKey]:
    """Two processes that find the time come make one key."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('token_keys'))"))
    return session.scalars(select(TokenKey).order_by(TokenKey.signs_at.desc(), TokenKey.id.desc())
                           .execution_options(populate_existing=True)).all()


def _place(id: UUID) -> str:
    return f"token_keys|private|{id}"
