"""glibc's malloc, told what a process with few and steady threads wants; another C library is left as it is."""
import ctypes

ARENA_MAX, MMAP_THRESHOLD = -8, -3  # M_ARENA_MAX, M_MMAP_THRESHOLD of <malloc.h>
ARENAS = 1  # threads take turns at Python's own lock; an arena each would be memory that only one of them can use again
OWN_PAGES = 1024 * 1024  # bytes: a block this large goes back to the system as soon as it is let go


def settle() -> None:
    """Called before a process has threads.

    Left alone, glibc learns from the first password's 19 MiB to keep such blocks, in each thread's arena: four people
    who sign in at once leave 80 MB behind, for good.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(ARENA_MAX, ARENAS)
        mallopt(MMAP_THRESHOLD, OWN_PAGES)
