"""Files that are the same, or pictures that look nearly the same, on other subjects."""
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Select, cast, false, func, or_, select, text
from sqlalchemy.dialects.postgresql import BIT
from sqlalchemy.orm import Session, aliased

from portal.files.models import File

BITS_APART_MAX = 6  # of 64, between a picture and the same one photographed or pressed again
PART_BITS = 16
PART_TELLS_FROM = 2  # spots that are unlike the others of a part: with fewer it is plain, but for an edge
FOUND_MAX = 20


def also_on(session: Session, file: File, kinds: Collection[str], *, but: Collection[UUID]) -> list[File]:
    """The same file, or the same picture, on other subjects of these kinds: staff are shown them. `but`: the subjects
    that are its own. A bounded number, oldest first: only of what counts, or copies that do not would fill it up.
    """
    found = aliased(File, _found([file]))
    return list(session.scalars(select(found).where(
        found.subject_kind.in_(kinds), found.subject_id.not_in(but)).order_by(found.id).limit(FOUND_MAX)))


def subjects_with(shown: Sequence[File], kind: str) -> Select[tuple[UUID]]:
    """For a statement: the subjects of this kind, their own among them, with one of these files or pictures."""
    found = _found(shown)
    return select(found.c.subject_id).where(found.c.subject_kind == kind)


def _found(shown: Sequence[File]) -> CTE:
    """Looked up by bytes and parts before anything else is asked: the index on kinds would read nearly every file."""
    return select(File).where(or_(false(), *map(_same_as, shown))).cte().prefix_with("MATERIALIZED")


def _same_as(file: File) -> ColumnElement[bool]:
    """The same bytes, as sent or as kept, or nearly the same picture. One that is plain all over is looked for by its
    bytes alone."""
    same = (File.content_hash == file.content_hash) | (File.kept_hash == file.kept_hash)
    if file.picture_hash is not None and parts_of(file.picture_hash):
        differing = func.bit_count(cast(File.picture_hash.bitwise_xor(file.picture_hash), BIT(64)))
        same = same | (File.picture_parts.overlap(_nearly(file.picture_hash)) & (differing <= BITS_APART_MAX))
    return same


def one_at_a_time(session: Session, shown: Sequence[File]) -> None:
    """Until the end of this transaction nobody else gets past here with the same file or picture: of two that are shown
    at once the later sees the earlier. Before `also_on`, where something rests on it. A plain part, which receipts have
    that are not alike, makes nobody wait.
    """
    names = sorted({f"files/{of.hex()}" for one in shown for of in (one.content_hash, one.kept_hash)}
                   | {f"pictures/{part}" for one in shown for part in parts_of(one.picture_hash) or ()})
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(CAST(:names AS text[]))"
                         " AS name"), {"names": names})


def parts_of(picture_hash: int | None) -> list[int] | None:
    """Of its four parts of 16 bits those that tell something, each with its number before it. Where all four do, one
    part at least of two that are nearly alike differs in one bit or none: four with two bits each would be more than
    BITS_APART_MAX. A plain part has bits that are all the same, or all but one: it is of any picture with a margin.
    """
    if picture_hash is None:
        return None
    parts = [picture_hash >> PART_BITS * part & 0xFFFF for part in range(4)]
    return [part << PART_BITS | bits for part, bits in enumerate(parts)
            if PART_TELLS_FROM <= bits.bit_count() <= PART_BITS - PART_TELLS_FROM]


def _nearly(picture_hash: int) -> list[int]:
    """Its parts that tell something, and each with any one bit turned over: plain ones, too, which are kept nowhere."""
    return [one ^ turned for one in parts_of(picture_hash) or () for turned in (0, *(1 << n for n in range(PART_BITS)))]
