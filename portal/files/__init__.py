"""Receipts and documents: judged by their content, written anew, kept by hash, served to who may see their subject.

Others `store` an upload, `keep` it as its sender's draft, `attach` it in the transaction of the act that it belongs to,
list with `of`, and register with `visible_by` who may see the files of their kind of subject.
"""
from portal.files.alike import also_on, one_at_a_time, subjects_with
from portal.files.chosen import chosen
from portal.files.inspection import BYTES_MAX, BadFile, Inspected, Upload, shown_name
from portal.files.models import File
from portal.files.scanning import Clamd, ScannerAway, use_scanner
from portal.files.service import (
    AttachedElsewhere,
    Stored,
    TooManyFiles,
    TooManyStrangers,
    UploadsBusy,
    attach,
    discard,
    drafts,
    forget,
    forget_of,
    keep,
    of,
    open_file,
    remove,
    room_for,
    store,
    sweep,
    sweep_orphans,
    visible_by,
)
from portal.files.storage import LocalFolder, StorageAway, configure, storage

__all__ = ["BYTES_MAX", "AttachedElsewhere", "BadFile", "Clamd", "File", "Inspected", "LocalFolder", "ScannerAway",
           "StorageAway", "Stored", "TooManyFiles", "TooManyStrangers", "Upload", "UploadsBusy", "also_on", "attach",
           "chosen", "configure", "discard", "drafts", "forget", "forget_of", "keep", "of", "one_at_a_time",
           "open_file", "remove", "room_for", "shown_name", "storage", "store", "subjects_with", "sweep",
           "sweep_orphans", "use_scanner", "visible_by"]
