"""An archived month of a sealed table against its seals: before it leaves, and whenever its file is read again."""
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import seals
from portal.core.seals import ENTRY, SEALED, AuditSeal
from portal.history import archive
from portal.history.archive import Manifest, transaction_of

KEY = 17  # of an entry: which table, which row


def differences(session: Session, folder: Path, manifest: Manifest, month: date) -> Iterator[str]:
    """Every row of the file is sealed as it stands there: a sentence for the first seal of which that is not so.

    Rows come by transaction, seals follow one another: one seal's entries are in memory at a time.
    """
    sealed = next((each for each in SEALED if each.table == manifest.table), None)
    if sealed is None or manifest.first_transaction is None or manifest.last_transaction is None:
        return
    of_time = session.scalars(select(AuditSeal).where(
        AuditSeal.until_transaction > manifest.first_transaction,
        AuditSeal.from_transaction <= manifest.last_transaction).order_by(AuditSeal.number)
        .execution_options(yield_per=10))
    lines = archive.lines(folder, manifest.table, month)
    line = next(lines, None)
    for one in of_time:
        kept = {one.entries[at:at + KEY]: one.entries[at + KEY:at + ENTRY] for at in range(0, len(one.entries), ENTRY)}
        while line is not None and transaction_of(sealed, line) < one.until_transaction:
            key, hash = seals.entry_of(sealed, line)
            if kept.get(key) != hash:
                yield f"a row is not as seal {one.number} has it: bin/flask audit verify"
                return
            line = next(lines, None)
        session.expunge(one)
    if line is not None:
        yield "its newest rows are not sealed yet: wait a minute"
