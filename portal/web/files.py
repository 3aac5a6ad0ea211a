"""Receipts and documents, to whoever may see what they are about: always a download, never a page."""
from urllib.parse import quote

from flask import Blueprint, Response

from portal import files
from portal.core.access import Permission, requires
from portal.core.db import reader
from portal.web import uploads
from portal.web.identity import signed_in
from portal.web.request import takes
from portal.web.uploads import UPLOAD_MAX

bp = Blueprint("files", __name__, url_prefix="/files")


@bp.get("/<file_id>")
@requires(Permission.PROFILE)
def one(file_id: str) -> Response:
    """The bytes as they were written anew. Raises NotFound, StorageAway."""
    file, content = files.open_file(reader(), signed_in(), file_id)
    return Response(content, content_type=file.content_type, headers={
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name)}",
        "Content-Security-Policy": "default-src 'none'; sandbox"})


@bp.post("")
@requires(Permission.PROFILE)
@takes(UPLOAD_MAX)
def upload() -> Response:
    """A file of a form that is still being filled in: what `ui.uploads` sends as soon as it is chosen."""
    return uploads.take_draft(signed_in())


@bp.post("/<file_id>/removal")
@requires(Permission.PROFILE)
def remove(file_id: str) -> Response:
    return uploads.drop_draft(signed_in(), file_id)
