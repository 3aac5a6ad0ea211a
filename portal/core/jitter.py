"""When to come back: never all at the same moment."""
import random


def retry_after(at_least_s: int) -> str:
    """Whole seconds for `Retry-After`, up to as many again and 3 more at most: who was refused together comes apart."""
    return str(at_least_s + random.randint(0, min(3, max(1, at_least_s))))
