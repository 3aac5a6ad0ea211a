"""What is attached to a form: files that went up before it (its drafts), and what it brings itself.

Files are judged and put away before the transaction, and dropped again when the act is refused; drafts stay, so that
the form that is shown again still holds them.
"""
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from portal import files
from portal.core.access import Actor
from portal.core.db import give_back, reader, transaction
from portal.core.errors import Conflict, DatabaseUnavailable, FieldError, Invalid, PortalError, Unavailable
from portal.files.inspection import BYTES_MAX
from portal.web.badges import N_
from portal.web.identity import current_actor

FILES_MAX = 5
UPLOAD_MAX = BYTES_MAX + 1024 * 1024  # the files, and what a form takes around them
DRAFT, FILE = "draft", "file"
PLAIN = "text/plain; charset=utf-8"
NO_FILE = N_("Choose a file first.")


@dataclass
class Brought:
    """Into the field `name`. `drafts`: public ids as the form sent them."""

    name: str
    drafts: list[str]
    stored: list[files.Stored] = field(default_factory=list)

    def keep(self, session: Session, actor: Actor) -> tuple[str, ...]:
        """All of it as the actor's drafts, in the transaction of the act that attaches them.

        Raises TooManyFiles, Invalid where a draft has gone.
        """
        if len(files.drafts(session, actor, self.drafts, or_sent=True)) != len(self.drafts):
            raise Invalid(fields=[FieldError(f"/{self.name}", "gone", "A file is no longer here. Choose it again.")])
        return (*self.drafts, *(files.keep(session, actor, one).public_id for one in self.stored))


@contextmanager
def brought(name: str, *, wanted: str | None = None) -> Iterator[Brought]:
    """A refusal, of the second file or of the act, leaves nothing behind in the storage, nor does the first answer to a
    form that is sent again. `wanted`: what is said where nothing was attached and something has to be.

    Raises Invalid, BadFile, UploadsBusy, ScannerAway, StorageAway.
    """
    sent = [one for one in request.files.getlist(name) if one.filename]
    found = Brought(name, list(dict.fromkeys(request.form.getlist(DRAFT))))
    if not sent and not found.drafts and wanted is not None:
        raise Invalid(fields=[FieldError(f"/{name}", "missing", wanted)])
    if len(sent) + len(found.drafts) > FILES_MAX:
        raise Invalid(fields=[FieldError(f"/{name}", "too_many", "Attach five files at most.")])
    if sent:
        give_back()  # a scanner may take its time
    try:
        for one in sent:
            found.stored.append(_stored(name, files.Upload(one.filename or "", one.stream.read(BYTES_MAX + 1))))
        yield found
    except DatabaseUnavailable:  # perhaps it was committed: a row needs its bytes, others are swept
        raise
    except (PortalError, HTTPException):
        for kept in found.stored:
            files.discard(kept)
        raise


def take_draft(actor: Actor) -> Response:
    """One file of a form that is still being filled in: its id, or the sentence that says what is wrong with it."""
    try:
        files.room_for(reader(), actor)
        with brought(FILE, wanted=NO_FILE) as sent, transaction() as session:
            kept = files.keep(session, actor, sent.stored[0]) if sent.stored else None
            content = kept.public_id if kept is not None else ""
    except (Invalid, Conflict, Unavailable) as error:
        status = 503 if isinstance(error, Unavailable) else 409 if isinstance(error, Conflict) else 422
        return Response(_sentence(error), status=status, content_type=PLAIN)
    return Response(content, status=201, content_type=PLAIN)


def drop_draft(actor: Actor, file_id: str) -> Response:
    """Raises NotFound, AttachedElsewhere."""
    with transaction() as session:
        files.remove(session, actor, file_id)
    return Response(status=204)


def drafts_in(values: Mapping[str, Any]) -> list[files.File]:
    """What a form that is shown again still holds, for its field of files."""
    actor = current_actor()
    listed: Callable[[str], list[str]] | None = getattr(values, "getlist", None)
    return files.drafts(reader(), actor, listed(DRAFT)) if actor is not None and listed is not None else []


def _stored(name: str, upload: files.Upload) -> files.Stored:
    try:
        return files.store(upload)
    except files.BadFile as bad:
        raise bad.of_field(name, files.shown_name(upload.name)) from None


def _sentence(error: PortalError) -> str:
    """In the reader's language: of the file, where it is the file's."""
    fields: list[FieldError] = getattr(error, "fields", [])
    return str(gettext(fields[0].sentence, **fields[0].params) if fields else gettext(error.message))
