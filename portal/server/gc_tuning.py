"""Python's search for cycles, kept from stopping a process that answers people."""
import gc
import sys

NEW_MAX = 20_000  # new objects between looks for cycles (Python: 700): a request makes hundreds and hardly a cycle


def settle() -> None:
    """Called once a process has started: what it started with stays, and no later search looks through it again.

    Without it a full search stops every thread for 0.1 to 0.3 s now and then: the p95 of every page. The names of all
    files of all folders that modules came from, 0.6 MB, do not stay: few more are imported.
    """
    sys.path_importer_cache.clear()
    gc.set_threshold(NEW_MAX)
    gc.collect()
    gc.freeze()
