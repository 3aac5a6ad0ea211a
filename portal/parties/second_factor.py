"""The second factor: codes of an app, and ten recovery codes for the day it is lost. Passkeys lie in `passkeys`.

A code of the app counts once: by a conditional update of the last step, so that of two at once one is too late.
It is set up in two steps: a seed that only this browser's session has seen, and a code of it. Then it counts, and
every other session of the person ends.
"""
import re
import secrets
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import pyotp
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from portal import approvals, notices
from portal.approvals import Approval, admissions
from portal.core import audit, clock, crypto
from portal.core.access import Actor
from portal.core.db import locked_one
from portal.core.errors import FieldError, Invalid, NotFound, Rejected
from portal.parties import passwords, permissions, sessions
from portal.parties.commands import MoveUser
from portal.parties.factor_models import Passkey, RecoveryCode
from portal.parties.models import User

N_ = str  # marks a sentence for translation
KIND = "user_factor"
STEP_S = 30
CODES = 10
CODE_LETTERS = 10  # of 31: fifty bits
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is read for something else
WRONG_CODE = "wrong_code"
ISSUER = "Quittance"
_BLANKS = re.compile(r"[\s\u200b-\u200f\u2060\ufeff-]+")


class NoSecondFactor(Rejected):
    """There is no second factor to take away."""

    code = "no_second_factor"


class FactorNeeded(Rejected):
    """Your work needs a second factor: add another one before you take the last one away."""

    code = "factor_needed"


class NewCodes(NamedTuple):
    """Ten recovery codes with their digests: hashed before anything is locked for them."""

    codes: Sequence[str]
    salt: bytes
    digests: Sequence[bytes]


def new_seed() -> str:
    return pyotp.random_base32()


def address_of(seed: str, email: str) -> str:
    """What the QR code says: `otpauth://…`."""
    return pyotp.TOTP(seed).provisioning_uri(name=email, issuer_name=ISSUER)


def add_app(session: Session, actor: Actor, *, seed: str, code: str, session_id: UUID) -> list[str]:
    """The app shows codes of this seed: it counts from now on, instead of one before.

    Returns ten recovery codes where this is the first factor. Raises Busy, and Invalid for a wrong code.
    """
    step = step_of(seed, code)
    if step is None:
        raise wrong_code("/code")
    made = new_codes()
    user = lock_own(session, actor)
    user.totp_sealed, user.totp_step = crypto.seal(seed, place=_place(user.id)), step
    audit.record(session, actor, "user.app_added", "user", user.id)
    notices.notify(session, "account.factor_added", notices.user(user.id), what=N_("Authenticator app"))
    return switched_on(session, actor, user, made, session_id=session_id)


def remove_app(session: Session, actor: Actor, *, needed: bool) -> None:
    """Raises NoSecondFactor, FactorNeeded."""
    user = lock_own(session, actor)
    if user.totp_sealed is None:
        raise NoSecondFactor()
    user.totp_sealed = user.totp_step = None
    audit.record(session, actor, "user.app_removed", "user", user.id)
    notices.notify(session, "account.factor_removed", notices.user(user.id), what=N_("Authenticator app"))
    switched_off(session, user, needed=needed)


def switched_on(session: Session, actor: Actor, user: User, made: NewCodes, *, session_id: UUID) -> list[str]:
    """After a factor was added: the first one ends every other session and comes with recovery codes."""
    if user.factor_since is not None:
        return []
    user.factor_since = clock.now()
    sessions.end_all(session, user.id, because="second_factor", but=session_id)
    sessions.note_factor(session, session_id)
    return _keep_codes(session, user.id, made)


def switched_off(session: Session, user: User, *, needed: bool) -> None:
    """After a factor was taken away: was it the last one? Raises FactorNeeded."""
    session.flush()
    if user.totp_sealed is not None or session.scalar(select(func.count()).where(Passkey.user_id == user.id)):
        return
    if needed:
        raise FactorNeeded()
    _forget(session, user)


def new_codes() -> NewCodes:
    """To be shown once and kept by `add_app` or `new_recovery_codes`. Before a transaction: ten hashes. Raises Busy."""
    codes = ["".join(secrets.choice(LETTERS) for _ in range(CODE_LETTERS)) for _ in range(CODES)]
    salt = secrets.token_bytes(passwords.SALT_BYTES)
    return NewCodes(codes, salt, [passwords.digest(code, salt) for code in codes])


def new_recovery_codes(session: Session, actor: Actor, made: NewCodes) -> list[str]:
    """Ten others; those before open nothing any more. Raises NoSecondFactor."""
    user = lock_own(session, actor)
    if user.factor_since is None:
        raise NoSecondFactor()
    audit.record(session, actor, "user.recovery_codes_made", "user", user.id)
    return _keep_codes(session, user.id, made)


def has_app(session: Session, user_id: UUID) -> bool:
    return session.scalar(select(User.totp_sealed.is_not(None)).where(User.id == user_id)) is True


def codes_left(session: Session, user_id: UUID) -> int:
    return session.scalar(select(func.count()).select_from(RecoveryCode).where(
        RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))) or 0


def salt_for(session: Session, actor: Actor, typed: str) -> bytes | None:
    """What a recovery code is to be hashed with; None where what was typed is none, or they have none."""
    code = _plain(typed)
    if code.isdecimal() or len(code) != CODE_LETTERS:
        return None
    return session.scalar(select(RecoveryCode.salt).where(RecoveryCode.user_id == actor.id).limit(1))


def digest_of(typed: str, salt: bytes | None) -> bytes | None:
    """Of a recovery code; ten share a salt, so that a try costs one hash. Outside any transaction. Raises Busy."""
    return None if salt is None else passwords.digest(_plain(typed), salt)


def accept(session: Session, actor: Actor, typed: str, digest: bytes | None, *, field: str = "/code") -> None:
    """A code of the app or a recovery code, used up by this. Raises Invalid: wrong, late, or used before."""
    assert actor.id is not None
    code = _plain(typed)
    if not (_accept_step(session, actor.id, code) if code.isdecimal() else _accept_recovery(session, actor, digest)):
        raise wrong_code(field)


def step_of(seed: str, code: str) -> int | None:
    """Of which step of half a minute the code is: this one or the one before."""
    now = int(clock.now().timestamp()) // STEP_S
    app = pyotp.TOTP(seed)
    typed = _BLANKS.sub("", code)
    found = [step for step in (now, now - 1) if crypto.same(app.at(step * STEP_S), typed)]
    return found[0] if found else None


def wrong_code(field: str) -> Invalid:
    return Invalid(fields=[FieldError(field, WRONG_CODE, "This code is wrong, or was used before. Wait for the next.")])


def ask_reset(session: Session, actor: Actor, command: MoveUser) -> Approval | None:
    """Somebody lost theirs: a second person agrees. From the operator's shell it holds at once.

    Raises NotFound, OwnPermissions, Outranked, NoSecondFactor, AlreadyAsked.
    """
    user = permissions.lock_other(session, actor, command.user_id)
    if user.factor_since is None:
        raise NoSecondFactor()
    if actor.is_system:
        admissions.record(session, user.id, "factor", by=actor)
        _reset(session, actor, user, command.reason)
        return None
    return approvals.ask_once(session, actor, kind=KIND, target_kind="user", target_id=user.id, before=None,
                              after={"email": user.email}, reason=command.reason)


def reset_approved(session: Session, actor: Actor, approval: Approval) -> None:
    """A second person agrees: they sign in by the password alone and set up another. Raises as `ask_reset`."""
    user = permissions.lock_other(session, actor, UUID(approval.target_id))
    if user.factor_since is None:
        raise NoSecondFactor()
    admissions.record_asked(session, user.id, "factor", approval=approval)
    _reset(session, actor, user, approval.reason)


def lock_own(session: Session, actor: Actor) -> User:
    """Raises NotFound."""
    user = locked_one(session, select(User).where(User.id == actor.id, User.active))
    if user is None:
        raise NotFound()
    return user


def _reset(session: Session, actor: Actor, user: User, reason: str) -> None:
    user.totp_sealed = user.totp_step = None
    session.execute(delete(Passkey).where(Passkey.user_id == user.id))
    _forget(session, user)
    sessions.end_all(session, user.id, because="factor_reset")
    audit.record(session, actor, "user.factor_reset", "user", user.id, reason=reason)
    notices.notify(session, "account.factor_removed", notices.user(user.id), what=N_("all of them, by administrators"))


def _forget(session: Session, user: User) -> None:
    user.factor_since = None
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))


def _keep_codes(session: Session, user_id: UUID, made: NewCodes) -> list[str]:
    """As they are shown."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.add_all(RecoveryCode(user_id=user_id, digest=digest, salt=made.salt) for digest in made.digests)
    half = CODE_LETTERS // 2
    return [f"{code[:half]}-{code[half:]}" for code in made.codes]


def _accept_step(session: Session, user_id: UUID, code: str) -> bool:
    sealed = session.scalar(select(User.totp_sealed).where(User.id == user_id, User.active))
    step = None if sealed is None else step_of(crypto.open_sealed(sealed, place=_place(user_id)), code)
    if step is None:
        return False
    return session.execute(
        update(User).where(User.id == user_id, User.totp_sealed == sealed,
                           or_(User.totp_step.is_(None), User.totp_step < step))
        .values(totp_step=step).returning(User.id)).first() is not None


def _accept_recovery(session: Session, actor: Actor, digest: bytes | None) -> bool:
    if digest is None:
        return False
    used = session.execute(
        update(RecoveryCode).where(RecoveryCode.user_id == actor.id, RecoveryCode.used_at.is_(None),
                                   RecoveryCode.digest == digest)
        .values(used_at=clock.now()).returning(RecoveryCode.user_id)).first()
    if used is None:
        return False
    assert actor.id is not None
    audit.record(session, actor, "user.recovery_code_used", "user", actor.id)
    return True


def _plain(typed: str) -> str:
    return _BLANKS.sub("", typed).lower()


def _place(user_id: UUID) -> str:
    return f"users|totp_sealed|{user_id}"


approvals.register(KIND, apply=reset_approved, title="Second factor taken away")
