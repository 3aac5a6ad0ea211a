"""Templates of replies and of grounds, which staff keep in both languages and put into what they write."""
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import audit, ids
from portal.core.access import Actor, Permission
from portal.core.db import locked_one
from portal.core.errors import Denied, NotFound
from portal.help.commands import SetReply
from portal.help.models import ReplyTemplate

SHOWN_MAX = 200


def all_of(session: Session, actor: Actor, *, use: str | None = None, active: bool = False) -> Sequence[ReplyTemplate]:
    """By use and name. Raises Denied."""
    if not actor.is_staff:
        raise Denied()
    rows = select(ReplyTemplate)
    if use is not None:
        rows = rows.where(ReplyTemplate.use == use)
    if active:
        rows = rows.where(ReplyTemplate.active)
    return session.scalars(rows.order_by(ReplyTemplate.use, ReplyTemplate.name, ReplyTemplate.id)
                           .limit(SHOWN_MAX)).all()


def find(session: Session, actor: Actor, reply_id: str) -> ReplyTemplate:
    """Raises NotFound, also for who is no staff."""
    found = session.get(ReplyTemplate, ids.parse("rpl", reply_id)) if actor.is_staff else None
    if found is None:
        raise NotFound()
    return found


def words(session: Session, actor: Actor, reply_id: str | None, language: str) -> str:
    """What a form is filled with; nothing where no template was chosen, or it is gone."""
    try:
        found = find(session, actor, reply_id) if reply_id else None
    except NotFound:
        return ""
    return "" if found is None else found.text_ru if language == "ru" else found.text_en


def set_reply(session: Session, actor: Actor, command: SetReply) -> ReplyTemplate:
    """Made or changed; what was written with it stays as it was. Raises Denied, NotFound."""
    if not (actor.is_staff and actor.may(Permission.PARTY_MANAGE)):
        raise Denied()
    row = ReplyTemplate(id=ids.new_id()) if command.reply_id is None else locked_one(
        session, select(ReplyTemplate).where(ReplyTemplate.id == ids.parse("rpl", command.reply_id)))
    if row is None:
        raise NotFound()
    before = None if command.reply_id is None else {"name": row.name, "active": row.active}
    for name in ("use", "name", "text_en", "text_ru", "active"):
        setattr(row, name, getattr(command, name))
    session.add(row)
    session.flush()
    audit.record(session, actor, "reply.set", "reply", row.id, before=before,
                 after={"name": row.name, "active": row.active})
    return row
