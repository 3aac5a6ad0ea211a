"""A form sent twice is one act: the second sending, by the key made with the form, gets the first one's answer.

The key is claimed in the transaction that does the work, and its answer is written there: what is refused or breaks
leaves nothing behind, and two at once wait for each other.
"""
import hashlib
import json
import re
import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, abort, make_response, request
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from portal.core import clock, crypto
from portal.core.db import give_back, one_transaction
from portal.core.errors import Conflict, Invalid
from portal.core.single_flight import first_in_line
from portal.parties.form_keys import FormKey
from portal.web.identity import signed_in

FIELD = "idempotency_key"
NO_CONTENT = frozenset({FIELD, "csrf_token", "proof_password", "proof_code", "proof_passkey"})
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
View = Callable[..., Response]


class FormReused(Conflict):
    """This form was sent before with something else in it, and that was done. See what it made before you go on."""

    code = "form_reused"


def new_key() -> str:
    """For a form that is being shown."""
    return secrets.token_hex(16)


def once(view: View) -> View:
    """This view makes something: with the same key it is made once. Without one (a program) each sending counts."""

    @wraps(view)
    def keyed(*args: Any, **values: Any) -> Response:
        key = request.form.get(FIELD, "")
        if not key:
            return view(*args, **values)
        if _KEY.fullmatch(key) is None:
            raise Invalid("The page may have been open for too long. Open it again and repeat.")
        person = signed_in().id
        give_back()
        claimed: list[FormKey] = []
        with first_in_line("form", person, request.path, key), one_transaction(
                lambda session: claimed.append(_claim(session, key))):
            response = make_response(view(*args, **values))
            for row in claimed:
                row.status, row.location = response.status_code, response.headers.get("Location")
                row.content_type = response.content_type
                row.answer_sealed = crypto.seal(response.get_data(as_text=True), place=_place(row))
        return response

    keyed.once = True  # type: ignore[attr-defined]
    return keyed


def _claim(session: Session, key: str) -> FormKey:
    """The new row of this sending. Waits for who sends the same now; answers for a sending that was seen before.

    Raises FormReused.
    """
    scope = {"user_id": signed_in().id, "path": request.path, "key": key}
    content = sorted((name, value) for name, value in request.form.items(multi=True) if name not in NO_CONTENT)
    content += [(name, _digest(file)) for name, file in sorted(request.files.items())]
    asked = crypto.fingerprints("form", json.dumps(content))
    new = session.execute(insert(FormKey).values(
        **scope, content_print=asked[0], content_type="text/html", created_at=clock.now()).on_conflict_do_nothing()
        .returning(FormKey.key)).first()
    row = session.scalars(select(FormKey).filter_by(**scope).execution_options(populate_existing=True)).one()
    if new is not None:
        return row
    if bytes(row.content_print) not in asked:
        raise FormReused()
    assert row.answer_sealed is not None
    again = Response(crypto.open_sealed(row.answer_sealed, place=_place(row)), status=row.status,
                     content_type=row.content_type)
    if row.location is not None:
        again.headers["Location"] = row.location
    abort(again)


def _digest(file: FileStorage) -> str:
    """Of what was attached; it is read again by the act."""
    digest = hashlib.file_digest(file.stream, "sha256").hexdigest()  # type: ignore[arg-type]
    file.stream.seek(0)
    return digest


def _place(row: FormKey) -> str:
    return f"form_keys|answer|{row.user_id}/{row.path}/{row.key}"
