"""Files that are the same, or pictures that look nearly the same, on other subjects."""
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, cast, func, select, text
from sqlalchemy.dialects.postgresql import BIT
from sqlalchemy.orm import Session

from portal.files.models import File

BITS_APART_MAX = 6  # of 64, between a picture and the same one photographed or pressed again
PART_BITS = 16
FOUND_MAX = 20


def also_on(session: Session, file: File, kinds: Collection[str], *, but: Collection[UUID]) -> list[File]:
    """The same file, or the same picture, on other subjects of these kinds: staff are shown them. `but`: the subjects
    that are its own. A bounded number, oldest first: only of what counts, or copies that do not would fill it up.
    """
    return list(session.scalars(select(File).where(
        same_as(file), File.subject_kind.in_(kinds), File.subject_id.not_in(but)).order_by(File.id).limit(FOUND_MAX)))


def same_as(file: File) -> ColumnElement[bool]:
    """Of a `File` in a statement: the same bytes, or nearly the same picture."""
    same: ColumnElement[bool] = File.content_hash == file.content_hash
    if file.picture_hash is not None:
        differing = func.bit_count(cast(File.picture_hash.bitwise_xor(file.picture_hash), BIT(64)))
        same = same | (File.picture_parts.overlap(_nearly(file.picture_hash)) & (differing <= BITS_APART_MAX))
    return same


def one_at_a_time(session: Session, shown: Sequence[File]) -> None:
    """Until the end of this transaction nobody else gets past here with the same file or picture: of two that are shown
    at once the later sees the earlier. Before `also_on`, where something rests on it.
    """
    names = sorted({f"files/{one.content_hash.hex()}" for one in shown}
                   | {f"pictures/{part}" for one in shown for part in parts_of(one.picture_hash) or ()})
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM unnest(CAST(:names AS text[]))"
                         " AS name"), {"names": names})


def parts_of(picture_hash: int | None) -> list[int] | None:
    """Four parts of 16 bits, each with its number before it. Of two that are nearly alike, one part at least differs in
    one bit or none: four with two bits each would be more than BITS_APART_MAX."""
    if picture_hash is None:
        return None
    return [part << PART_BITS | (picture_hash >> PART_BITS * part & 0xFFFF) for part in range(4)]


def _nearly(picture_hash: int) -> list[int]:
    """Its parts, and each with any one bit turned over."""
    return [one ^ turned for one in parts_of(picture_hash) or () for turned in (0, *(1 << n for n in range(PART_BITS)))]
