"""Receipts over the gateway: files of a multipart body, judged and put away before the transaction they belong to."""
import json
from hashlib import sha256
from typing import Any

from flask import Response, request
from sqlalchemy.orm import Session

from portal import files
from portal.core import clock
from portal.core.db import give_back
from portal.core.errors import FieldError, Invalid
from portal.gateway import orders
from portal.gateway.auth import caller
from portal.gateway.endpoint import BODY_OF_FILES_MAX
from portal.gateway.errors import NotMultipart
from portal.gateway.idempotency import once
from portal.orders import receipts
from portal.orders.states import Direction

FIELD = "file"
MULTIPART = "multipart/form-data"


def take(direction: Direction, shown_id: str) -> Response:
    """One to five files become receipts of that order; under a key that was used before, its first answer.

    Raises NotFound, NotMultipart, Invalid, BadFile, UploadsBusy, ScannerAway, StorageAway, NothingToShow,
    TooManyReceipts.
    """
    orders.found(direction, shown_id)  # nothing is looked into for an order that is not the caller's
    give_back()
    sent, stored, kept = _sent(), list[files.Stored](), list[files.File]()

    def act(session: Session) -> dict[str, Any]:
        drafts = tuple(files.keep(session, caller(), one).public_id for one in stored)
        kept.extend(receipts.add(session, caller(), receipts.AddReceipts(order_id=shown_id, files=drafts)))
        return {"data": [public(one) for one in kept]}

    try:
        for one in sent:
            stored.append(_stored(one))
        return once(caller(), act, status=201, asked=_fingerprint(sent))
    finally:
        if not kept:  # refused, or an answer again
            for found in stored:
                files.discard(found)


def public(file: files.File) -> dict[str, Any]:
    """`sha256` is of the file as it was sent; what is kept of it was written anew."""
    return {"id": file.public_id, "object": "receipt", "name": file.name, "content_type": file.content_type,
            "size_bytes": file.size_bytes, "sha256": bytes(file.content_hash).hex(),
            "created_at": clock.rfc3339(file.created_at)}


def _sent() -> list[files.Upload]:
    """Raises NotMultipart, Invalid."""
    if request.mimetype != MULTIPART:
        raise NotMultipart()
    request.max_content_length = BODY_OF_FILES_MAX
    wrong = [FieldError(f"/{name}", "unknown_field", "Send files alone, each in a part named `file`.")
             for name in {*request.form, *request.files} - {FIELD}]
    wrong += [FieldError(f"/{FIELD}", "not_a_file", "Send files alone, each in a part named `file`.")
              for name in request.form if name == FIELD]
    found = [files.Upload(one.filename or "", one.stream.read(files.BYTES_MAX + 1))
             for one in request.files.getlist(FIELD)]
    if not wrong and not 1 <= len(found) <= receipts.AT_ONCE_MAX:
        wrong.append(FieldError(f"/{FIELD}", "missing" if not found else "too_many", "Send one to five files."))
    if wrong:
        raise Invalid(fields=wrong)
    return found


def _stored(upload: files.Upload) -> files.Stored:
    try:
        return files.store(upload)
    except files.BadFile as bad:
        raise bad.of_field(FIELD, files.shown_name(upload.name)) from None


def _fingerprint(sent: list[files.Upload]) -> bytes:
    """The files by name and content, in their order; how the parts were put together does not matter."""
    told = [[one.name, sha256(one.content).hexdigest()] for one in sent]
    return sha256(json.dumps(told, ensure_ascii=False).encode("utf-8", "surrogatepass")).digest()

