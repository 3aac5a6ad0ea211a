"""Passkeys (WebAuthn): as the second factor, and as a sign-in of their own where the key has looked at the person.

Each challenge is kept, is for one purpose at one browser, and is gone with the first answer, right or wrong. An answer
counts for this desk's own address only. A counter that does not go up is the sign of a copied key: refused, and
written into the audit by the door (`note_copied`), for what is refused leaves nothing else behind.
The library is imported by who needs it: it brings the attestations of every maker along, 6 MB.
"""
import ipaddress
import json
import secrets
from base64 import urlsafe_b64decode
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from portal import notices
from portal.core import audit, clock, crypto, ids, site
from portal.core.access import Actor, ActorKind
from portal.core.errors import FieldError, Invalid, NotFound, Rejected
from portal.parties import second_factor
from portal.parties.factor_models import Passkey, PasskeyChallenge
from portal.parties.models import User

CHALLENGE_BYTES = 32
ANSWER_WITHIN = timedelta(minutes=5)
PER_USER_MAX = 10
NAME_MAX = 60
UNNAMED = "Passkey"


class TooManyPasskeys(Rejected):
    """You have ten passkeys already. Take one away first."""

    code = "too_many_passkeys"


class Proof(NamedTuple):
    user_id: UUID
    email: str


class CopiedPasskey(Invalid):
    """The right key by its signature, and its counter went back: there are two of it."""

    def __init__(self, user_id: UUID, email: str, locale: str, name: str, counts: tuple[int, int]) -> None:
        super().__init__(fields=refused().fields)
        self.user_id, self.email, self.locale, self.name, self.counts = user_id, email, locale, name, counts


def _rp_id() -> str:
    """Whose keys these are: the desk's host."""
    return urlsplit(site.url()).hostname or "localhost"


def are_offered() -> bool:
    """Browsers know no passkeys of a bare address."""
    try:
        ipaddress.ip_address(_rp_id())
    except ValueError:
        return True
    return False


def challenge(session: Session, purpose: str, *, browser: str, actor: Actor | None = None) -> str:
    """What a browser hands to the authenticator, as JSON. `browser`: what only this one's session has."""
    import webauthn
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    made = secrets.token_bytes(CHALLENGE_BYTES)
    session.add(PasskeyChallenge(challenge=made, purpose=purpose, browser=crypto.sha256(browser),
                                 expires_at=clock.now() + ANSWER_WITHIN))
    own = [] if actor is None else of_user(session, _id(actor))
    known = [PublicKeyCredentialDescriptor(id=key.credential_id) for key in own]
    if purpose == "add":
        assert actor is not None
        return webauthn.options_to_json(webauthn.generate_registration_options(
            rp_id=_rp_id(), rp_name=second_factor.ISSUER, user_id=_id(actor).bytes, user_name=actor.name,
            challenge=made, exclude_credentials=known, authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.PREFERRED)))
    verify = UserVerificationRequirement.REQUIRED if purpose == "sign_in" else UserVerificationRequirement.PREFERRED
    return webauthn.options_to_json(webauthn.generate_authentication_options(
        rp_id=_rp_id(), challenge=made, allow_credentials=known, user_verification=verify))


def answered(session: Session, purpose: str, answer: str, *, browser: str) -> bytes:
    """The challenge that this answers, used up: commit it whatever comes of the answer. Raises Invalid."""
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        said = json.loads(_plain(json.loads(answer)["response"]["clientDataJSON"]))
        found = session.execute(
            delete(PasskeyChallenge).where(
                PasskeyChallenge.challenge == _plain(said["challenge"]),
                PasskeyChallenge.purpose == purpose, PasskeyChallenge.browser == crypto.sha256(browser),
                PasskeyChallenge.expires_at > clock.now())
            .returning(PasskeyChallenge.challenge)).scalar_one_or_none()
        if found is not None:
            return bytes(found)
    raise refused()


def add(session: Session, actor: Actor, *, answer: str, to: bytes, name: str, session_id: UUID) -> list[str]:
    """Another key of theirs. Returns ten recovery codes where it is the first factor.

    Raises Invalid, TooManyPasskeys, Busy.
    """
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        made = webauthn.verify_registration_response(
            credential=answer, expected_challenge=to, expected_rp_id=_rp_id(),
            expected_origin=site.url())
    except (WebAuthnException, ValueError):
        raise refused() from None
    codes = second_factor.new_codes()
    user = second_factor.lock_own(session, actor)
    if len(of_user(session, user.id)) >= PER_USER_MAX:
        raise TooManyPasskeys()
    if session.scalar(select(Passkey.id).where(Passkey.credential_id == made.credential_id)) is not None:
        raise refused()
    key = Passkey(user_id=user.id, name=name.strip()[:NAME_MAX] or UNNAMED, credential_id=made.credential_id,
                  public_key=made.credential_public_key, sign_count=made.sign_count)
    session.add(key)
    session.flush()
    audit.record(session, actor, "user.passkey_added", "user", user.id, after={"name": key.name})
    notices.notify(session, "account.factor_added", notices.user(user.id), what=key.name)
    return second_factor.switched_on(session, actor, user, codes, session_id=session_id)


def prove(session: Session, answer: str, *, to: bytes, whose: UUID | None = None) -> Proof:
    """Whose key this is. Without `whose` it signs in by itself, so it must have looked at the person (a PIN, a finger).

    Raises Invalid.
    """
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    found = session.execute(
        select(Passkey, User.email, User.locale).join(User, User.id == Passkey.user_id)
        .where(Passkey.credential_id == _credential_id(answer), User.active)).one_or_none()
    if found is None or (whose is not None and found.Passkey.user_id != whose):
        raise refused()
    key: Passkey = found.Passkey
    try:
        right = webauthn.verify_authentication_response(
            credential=answer, expected_challenge=to, expected_rp_id=_rp_id(), expected_origin=site.url(),
            credential_public_key=key.public_key, credential_current_sign_count=0,  # it is judged below
            require_user_verification=whose is None)
    except (WebAuthnException, ValueError):
        raise refused() from None
    count = right.new_sign_count
    went_up = session.execute(
        update(Passkey).where(Passkey.id == key.id, or_(Passkey.sign_count < count,
                                                        (Passkey.sign_count == 0) & (count == 0)))
        .values(sign_count=count, used_at=clock.now()).returning(Passkey.id)).first()
    if went_up is None:
        raise CopiedPasskey(key.user_id, found.email, found.locale, key.name, (key.sign_count, count))
    return Proof(key.user_id, found.email)


def note_copied(session: Session, copied: CopiedPasskey, *, address: str | None) -> None:
    """In a transaction of its own: the key is the person's still, and whoever has its copy was refused."""
    known, came = copied.counts
    audit.record(session, Actor(kind=ActorKind.USER, id=copied.user_id, name=copied.email, address=address),
                 "user.passkey_copied", "user", copied.user_id, before={"count": known},
                 after={"name": copied.name, "count": came})


def remove(session: Session, actor: Actor, passkey_id: str, *, needed: bool) -> None:
    """Raises NotFound, FactorNeeded."""
    user = second_factor.lock_own(session, actor)
    key = session.scalar(select(Passkey).where(Passkey.id == ids.parse("psk", passkey_id),
                                               Passkey.user_id == user.id))
    if key is None:
        raise NotFound()
    session.delete(key)
    audit.record(session, actor, "user.passkey_removed", "user", user.id, before={"name": key.name})
    notices.notify(session, "account.factor_removed", notices.user(user.id), what=key.name)
    second_factor.switched_off(session, user, needed=needed)


def of_user(session: Session, user_id: UUID) -> list[Passkey]:
    return list(session.scalars(select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.made_at)))


def refused() -> Invalid:
    return Invalid(fields=[FieldError("/passkey", second_factor.WRONG_CODE,
                                      "This passkey was not accepted. Try again, or use a code.")])


def _credential_id(answer: str) -> bytes:
    try:
        return _plain(json.loads(answer)["id"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise refused() from None


def _plain(text: str) -> bytes:
    """Of base64url without its padding, as browsers write it; more padding than is due is passed over."""
    return urlsafe_b64decode(f"{text}===")


def _id(actor: Actor) -> UUID:
    assert actor.id is not None
    return actor.id
