"""An application comes in, is shown to who sent it, and is written about by staff."""
import re
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal import files
from portal.applications.commands import AddNote, Apply
from portal.applications.models import DOCUMENT, PREFIX, Application
from portal.core import audit, clock, crypto, ids, page_events
from portal.core.access import Actor, ActorKind, Permission
from portal.core.audit import AuditRow
from portal.core.errors import NotFound, TooMany
from portal.core.paging import Page, newest_first

A_DAY_MAX = 300  # from everywhere: nobody reads more, and no stranger fills the desk's disk
PAGE_ROWS, NOTES_MAX = 50, 100
NOTED = "application.noted"


class TooManyApplications(TooMany):
    """We have had many applications today and take no more for now. Send it again tomorrow: nothing was kept of it."""

    code = "too_many_applications"
    retry_after_s = 3600


def token_of(application_id: UUID) -> str:
    """What its sender holds: the key to its form, its drafts and its state. Nothing of it is stored."""
    return ids.text(application_id) + crypto.link_token(b"application" + application_id.bytes)


def id_of(token: str) -> UUID:
    """Raises NotFound for anything that we did not sign."""
    id = ids.parse(PREFIX, f"{PREFIX}_{token[:ids.LENGTH]}")
    if not token.isascii() or not crypto.is_link_token(token[ids.LENGTH:], b"application" + id.bytes):
        raise NotFound()
    return id


def applicant(token: str, *, address: str | None = None, request_id: str | None = None) -> Actor:
    """Whoever holds the token of an application, sent or not. Raises NotFound."""
    return Actor(kind=ActorKind.APPLICANT, id=id_of(token), name="applicant", address=address, request_id=request_id)


def _may_see(session: Session, actor: Actor, application_id: UUID) -> bool:
    return actor.is_staff and actor.may(Permission.APPLICATION_READ)


files.visible_by(DOCUMENT, _may_see)


def apply(session: Session, actor: Actor, command: Apply) -> UUID:
    """A stranger wants to join. The same answer whoever he is: what the desk knows of him already, staff are shown.

    Harmless twice. Raises TooManyApplications, and what `files.attach` refuses.
    """
    assert actor.kind is ActorKind.APPLICANT
    assert actor.id is not None
    today = select(func.count()).select_from(Application).where(
        Application.created_at > clock.now() - timedelta(days=1))
    if (session.scalar(today) or 0) >= A_DAY_MAX:
        raise TooManyApplications()
    sent = command.model_dump(exclude={"files"})
    made = session.execute(insert(Application).values(
        id=actor.id, **sent, phone_digits=digits_of(command.phone), address=actor.address, state="received",
        created_at=clock.now(), updated_at=clock.now()).on_conflict_do_nothing(index_elements=["id"])
        .returning(Application.id)).first()
    if made is None:
        return actor.id
    if command.files:
        files.attach(session, actor, command.files, DOCUMENT, actor.id)
    audit.record(session, actor, "application.received", "application", actor.id,
                 after={"kind": command.kind, "name": command.name})
    page_events.tell(session, "approvals", ())
    return actor.id


def own(session: Session, actor: Actor) -> Application:
    """To who sent it. Raises NotFound."""
    found = session.get(Application, actor.id)
    if found is None:
        raise NotFound()
    return found


def digits_of(phone: str) -> str:
    return re.sub(r"\D", "", phone)


def visible_to(actor: Actor) -> Select[Application]:
    """Staff who may; nobody else."""
    rows = select(Application)
    return rows if actor.is_system or (actor.is_staff and actor.may(Permission.APPLICATION_READ)) else rows.where(
        Application.id.is_(None))


def find(session: Session, actor: Actor, application_id: str) -> Application:
    """Raises NotFound."""
    found = session.scalar(visible_to(actor).where(Application.id == ids.parse(PREFIX, application_id))
                           .execution_options(populate_existing=True))
    if found is None:
        raise NotFound()
    return found


def page(session: Session, actor: Actor, *, state: str | None, cursor: str | None) -> Page[Application]:
    """Newest first; `state` None: of any."""
    rows = visible_to(actor)
    if state is not None:
        rows = rows.where(Application.state == state)
    return newest_first(session, rows, Application.created_at, Application.id, cursor=cursor, limit=PAGE_ROWS)


def note(session: Session, actor: Actor, command: AddNote) -> None:
    """Staff alone read it: a row of the audit, so nobody changes or removes it. Raises NotFound."""
    found = find(session, actor, command.application_id)
    audit.record(session, actor, NOTED, "application", found.id, reason=command.text)


def notes(session: Session, application: Application) -> Sequence[AuditRow]:
    """Newest first."""
    return session.scalars(
        select(AuditRow).where(AuditRow.target_kind == "application", AuditRow.target_id == str(application.id),
                               AuditRow.action == NOTED)
        .order_by(AuditRow.created_at.desc(), AuditRow.id.desc()).limit(NOTES_MAX)).all()
