"""The log of calls: what each store's keys asked of the gateway and were answered, for a week, without secrets.

`writer` takes calls off their road and writes them in batches, `redaction` says what of them may be kept, `queries` who
may see which. It is a convenience of developers, not evidence: what does not fit is dropped and counted.
"""
from portal.calls.writer import EXTENSION, Seen, Writer

__all__ = ["EXTENSION", "Seen", "Writer"]
