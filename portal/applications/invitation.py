"""The first person's way in: a link that staff make and pass on, by which the person chooses a password, once."""
import secrets
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.applications import service
from portal.applications.commands import ChooseFirstPassword
from portal.applications.models import Application
from portal.approvals import admissions
from portal.core import audit, clock, crypto
from portal.core.access import Actor
from portal.core.db import locked_one
from portal.core.errors import Conflict, NotFound
from portal.parties import passwords, sessions
from portal.parties.models import User

LINK_FOR = timedelta(hours=72)
LINK_BYTES = 32


class NothingToOpen(Conflict):
    """There is nobody to invite: the application is not accepted, or its person has signed in already."""

    code = "nobody_to_invite"


def make_link(session: Session, actor: Actor, application_id: str) -> str:
    """A new link; an earlier one opens nothing any more. Whoever makes it could use it: it counts as letting them in.

    Returns the secret, which is kept nowhere. Raises NotFound, NothingToOpen.
    """
    application = service.find(session, actor, application_id)
    locked_one(session, service.visible_to(actor).where(Application.id == application.id))
    user = session.get(User, application.user_id) if application.user_id is not None else None
    if user is None or not user.active or user.last_login_at is not None:
        raise NothingToOpen()
    link = secrets.token_urlsafe(LINK_BYTES)
    application.link_digest, application.link_until = crypto.sha256(link), clock.now() + LINK_FOR
    admissions.record(session, user.id, "password", by=actor)
    audit.record(session, actor, "application.invited", "application", application.id, after={"email": user.email})
    return link


def of_link(session: Session, link: str) -> Application:
    """Raises NotFound: also for one that was used, replaced or ran out, or whose person came in another way."""
    found = session.scalar(
        select(Application).join(User, User.id == Application.user_id)
        .where(Application.link_digest == crypto.sha256(link), Application.link_until > clock.now(), User.active,
               User.last_login_at.is_(None), User.factor_since.is_(None),
               User.password_changed_at <= Application.link_until - LINK_FOR))
    if found is None:
        raise NotFound()
    return found


def choose(session: Session, actor: Actor, command: ChooseFirstPassword) -> User:
    """The person chooses a password; the link is used up. Raises NotFound, Invalid (password)."""
    found = of_link(session, command.link)
    application = locked_one(session, select(Application).where(Application.id == found.id))
    if application is None or application.link_digest != crypto.sha256(command.link):
        raise NotFound()
    user = locked_one(session, select(User).where(User.id == application.user_id))
    if user is None:
        raise NotFound()
    of_link(session, command.link)  # as it is now that nobody else can move it
    chosen = command.password.get_secret_value()
    passwords.check(chosen, about=(user.email, user.name))
    user.password_hash, user.password_changed_at, user.one_time_until = passwords.hashed(chosen), clock.now(), None
    application.link_digest = application.link_until = None
    sessions.end_all(session, user.id, because="new_password")
    audit.record(session, actor, "user.password_changed", "user", user.id, reason="by the link of the invitation")
    return user
