"""Receipts and documents: judged by their content, written anew, kept by hash, served to who may see their subject.

Others `store` an upload, `keep` it as its sender's draft, `attach` it in the transaction of the act that it belongs to,
list with `of`, and register with `visible_by` who may see the files of their kind of subject.
"""
from portal.files.inspection import BadFile, Upload
from portal.files.models import File
from portal.files.service import (
    AttachedElsewhere,
    Stored,
    TooManyFiles,
    also_on,
    attach,
    discard,
    keep,
    of,
    open_file,
    remove,
    store,
    sweep,
    visible_by,
)
from portal.files.storage import LocalFolder, StorageAway, configure

__all__ = ["AttachedElsewhere", "BadFile", "File", "LocalFolder", "StorageAway", "Stored", "TooManyFiles", "Upload",
           "also_on", "attach", "configure", "discard", "keep", "of", "open_file", "remove", "store", "sweep",
           "visible_by"]
