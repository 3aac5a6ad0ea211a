"""What happens to a file: taken as a draft, attached for good to what it is about, served, swept when nobody did."""
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from itertools import islice
from threading import BoundedSemaphore
from uuid import UUID, uuid4

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from portal.core import clock, ids
from portal.core.access import Actor, ActorKind
from portal.core.db import after_commit, locked, locked_one
from portal.core.errors import Conflict, NotFound, Unavailable
from portal.files import scanning
from portal.files.alike import parts_of
from portal.files.inspection import Inspected, Upload, inspect, shown_name
from portal.files.models import PREFIX, File
from portal.files.storage import StorageAway, storage

AT_ONCE_MAX = 2  # judged in one process: six threads are left for everybody else
WAIT_S = 3.0  # for a place among them
DRAFTS_MAX = 20  # of one person at a time
STRANGERS_MAX = 300  # of all who want to join together: each is a key that costs nothing
DRAFT_FOR = timedelta(days=1)
SWEEP_MAX = 200
ORPHAN_FOR = timedelta(days=1)
ORPHANS_MAX = 500  # looked up at once
HEX = "0123456789abcdef"
STARTS = [[f"{one}{two}" for two in HEX] for one in HEX]  # of the keys, by turn
Visible = Callable[[Session, Actor, UUID], bool]
_visible: dict[str, Visible] = {}
_places = BoundedSemaphore(AT_ONCE_MAX)
_STRANGERS = select(func.count()).select_from(File).where(
    File.attached_at.is_(None), File.uploader.startswith(f"{ActorKind.APPLICANT}:"))


class UploadsBusy(Unavailable):
    """Many files are being looked at just now. Try again in a few seconds."""

    code = "uploads_busy"


class TooManyFiles(Conflict):
    """You have uploaded many files that are not sent yet. Send or remove them first."""

    code = "too_many_files"


class TooManyStrangers(Conflict):
    """Many people are sending us documents now. Send the form without them, or try again in an hour."""

    code = "too_many_strangers"


class AttachedElsewhere(Conflict):
    """One of the files has been sent already. Upload it again if it belongs here too."""

    code = "file_attached"


def visible_by(subject_kind: str, may_see: Visible) -> None:
    """A noun says who may see the files of its kind of subject."""
    _visible[subject_kind] = may_see


@dataclass(frozen=True)
class Stored:
    """An upload that was judged and whose bytes lie in the storage; no row knows of it yet."""

    name: str
    content_hash: bytes
    inspected: Inspected
    key: str


def store(upload: Upload) -> Stored:
    """Judge an upload and put its bytes away: before the transaction, which must not wait for either.

    What came and what is kept of it are shown to the operator's scanner, if there is one.

    Raises BadFile, UploadsBusy, ScannerAway, StorageAway.
    """
    scanning.refuse_while_away()
    with _place():
        found, key = inspect(upload), uuid4().hex
        scanning.check((upload.content, found.content))
    storage().put(key, found.content)
    return Stored(shown_name(upload.name), sha256(upload.content).digest(), found, key)


def room_for(session: Session, actor: Actor) -> None:
    """Before an upload is judged and put away: strangers' drafts have a bound together. Raises TooManyStrangers."""
    if actor.kind is ActorKind.APPLICANT and (session.scalar(_STRANGERS) or 0) >= STRANGERS_MAX:
        raise TooManyStrangers()


def keep(session: Session, actor: Actor, stored: Stored) -> File:
    """What was stored is the actor's draft from now on; one at a time of each, so that none is counted past the limit.

    Raises TooManyFiles, TooManyStrangers.
    """
    room_for(session, actor)
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('drafts/' || :who))"), {"who": _who(actor)})
    drafts = select(func.count()).select_from(File).where(File.uploader == _who(actor), File.attached_at.is_(None))
    if (session.scalar(drafts) or 0) >= DRAFTS_MAX:
        raise TooManyFiles()
    found = stored.inspected
    file = File(id=ids.new_id(), uploader=_who(actor), name=stored.name, content_type=found.content_type,
                size_bytes=len(found.content), content_hash=stored.content_hash,
                kept_hash=sha256(found.content).digest(), picture_hash=found.picture_hash,
                picture_parts=parts_of(found.picture_hash), storage_key=stored.key)
    session.add(file)
    session.flush()
    return file


def attach(session: Session, actor: Actor, file_ids: Sequence[str], subject_kind: str, subject_id: UUID) -> list[File]:
    """The actor's drafts become this subject's, within its act's transaction. Harmless twice.

    Raises NotFound for anybody else's draft, AttachedElsewhere.
    """
    wanted = {ids.parse(PREFIX, one) for one in file_ids}
    files = list(locked(session, select(File).where(File.id.in_(wanted), File.uploader == _who(actor))
                        .order_by(File.id)))
    if len(files) != len(wanted):
        raise NotFound()
    for file in files:
        if file.attached_at is not None and (file.subject_kind, file.subject_id) != (subject_kind, subject_id):
            raise AttachedElsewhere()
        file.subject_kind, file.subject_id = subject_kind, subject_id
        file.attached_at = file.attached_at or clock.now()
    return files


def remove(session: Session, actor: Actor, file_id: str) -> None:
    """A draft is not wanted any more; what was sent stays. Raises NotFound, AttachedElsewhere."""
    file = locked_one(session, select(File).where(File.id == ids.parse(PREFIX, file_id), File.uploader == _who(actor)))
    if file is None:
        raise NotFound()
    if file.attached_at is not None:
        raise AttachedElsewhere()
    _drop(session, file)


def drafts(session: Session, actor: Actor, file_ids: Sequence[str], *, or_sent: bool = False) -> list[File]:
    """Which of these are the actor's and not sent yet, oldest first: what a form that is shown again still holds."""
    wanted = [id for one in file_ids[:DRAFTS_MAX] if (id := _known(one)) is not None]
    if not wanted:
        return []
    rows = select(File).where(File.id.in_(wanted), File.uploader == _who(actor)).order_by(File.id)
    return list(session.scalars(rows if or_sent else rows.where(File.attached_at.is_(None))))


def of(session: Session, subject_kind: str, subject_ids: Collection[UUID]) -> dict[UUID, list[File]]:
    """The files of each subject, oldest first. Who may see the subject may see them."""
    rows = session.scalars(select(File).where(File.subject_kind == subject_kind, File.subject_id.in_(subject_ids))
                           .order_by(File.id))
    found: dict[UUID, list[File]] = {}
    for file in rows:
        assert file.subject_id is not None
        found.setdefault(file.subject_id, []).append(file)
    return found


def open_file(session: Session, actor: Actor, file_id: str) -> tuple[File, bytes]:
    """A file and its bytes, for who brought it or may see its subject. Raises NotFound, StorageAway."""
    file = session.get(File, ids.parse(PREFIX, file_id))
    if file is None or not (file.uploader == _who(actor) or _sees(session, actor, file)):
        raise NotFound()
    return file, storage().get(file.storage_key)


def sweep(session: Session) -> None:
    """Drafts of yesterday that nobody sent, a bounded number at a time."""
    old = select(File.id).where(File.attached_at.is_(None), File.created_at < clock.now() - DRAFT_FOR)
    due = session.scalars(old.order_by(File.created_at).limit(SWEEP_MAX)).all()
    for file in locked(session, select(File).where(File.id.in_(due), File.attached_at.is_(None)).order_by(File.id)):
        _drop(session, file)


def sweep_orphans(session: Session) -> int:
    """Bytes whose upload died before a row knew of them: a part of the storage each time, so that a day sees all of it.

    Nothing is taken that a transaction under way may still write down. Returns how many went. Raises StorageAway.
    """
    before, gone = clock.now() - ORPHAN_FOR, 0
    turn = int(clock.now().timestamp()) // 3600 % len(STARTS)
    for start in STARTS[turn]:
        for keys in batched(storage().older(start, before), ORPHANS_MAX):
            known = set(session.scalars(select(File.storage_key).where(File.storage_key.in_(keys))))
            for key in set(keys) - known:
                storage().delete(key)
                gone += 1
    return gone


def forget(session: Session, file_ids: Sequence[UUID]) -> None:
    """Rows and bytes, whatever they are attached to: their time is over."""
    for file in locked(session, select(File).where(File.id.in_(file_ids)).order_by(File.id)):
        _drop(session, file)


def forget_of(session: Session, subject_kind: str, subject_ids: Sequence[UUID]) -> None:
    """All files of these subjects."""
    forget(session, session.scalars(select(File.id).where(
        File.subject_kind == subject_kind, File.subject_id.in_(subject_ids))).all())


def discard(stored: Stored) -> None:
    """What was stored has found no row: its bytes go too."""
    storage().delete(stored.key)


@contextmanager
def _place() -> Iterator[None]:
    """Judged and scanned in here: few at a time. Raises UploadsBusy."""
    if not _places.acquire(timeout=WAIT_S):
        raise UploadsBusy()
    try:
        yield
    finally:
        _places.release()


def _known(file_id: str) -> UUID | None:
    try:
        return ids.parse(PREFIX, file_id)
    except NotFound:
        return None


def _drop(session: Session, file: File) -> None:
    """The row now, the bytes once that is committed: never a row without bytes. The row is locked."""
    key = file.storage_key
    session.delete(file)
    after_commit(session, lambda: _forget(key), once=("file", key))


def _forget(key: str) -> None:
    with suppress(StorageAway):  # bytes without a row harm nobody
        storage().delete(key)


def _sees(session: Session, actor: Actor, file: File) -> bool:
    may_see = _visible.get(file.subject_kind or "")
    return may_see is not None and file.subject_id is not None and may_see(session, actor, file.subject_id)


def batched(keys: Iterable[str], most: int) -> Iterator[list[str]]:
    """Lists of at most so many."""
    left = iter(keys)
    while batch := list(islice(left, most)):
        yield batch


def _who(actor: Actor) -> str:
    return f"{actor.kind}:{actor.id or actor.order_id or ''}"
