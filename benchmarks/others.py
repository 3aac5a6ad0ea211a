"""G7, G8: against LNbits and django-hordak. Neither is run here: the figures of the specification stand beside ours.

LNbits needs its own service, wallet and database set up; installing it is no part of a desk. What was measured with it
on the same kind of machine (2 cores, PostgreSQL 18, durable): creates 121-139 a second, pays 64-73 a second;
django-hordak posts 523-625 a second in process.
"""
from benchmarks.ground import Ground
from benchmarks.result import Result

THEIRS = {"LNbits creates": (121, 139), "LNbits pays": (64, 73), "django-hordak posts": (523, 625)}


def measure(ground: Ground) -> list[Result]:
    """No figure of ours is made from them: another machine, another day."""
    shown = {name: f"{low}–{high} a second in the specification's table" for name, (low, high) in THEIRS.items()}
    return [Result.missing("G7", f"against LNbits on the same PostgreSQL (gate ≥ 15× create, ≥ 30× settle): not run"
                                 f" here; creates {shown['LNbits creates']}, pays {shown['LNbits pays']}"),
            Result.missing("G8", f"settle through Python against django-hordak (gate ≥ 5×): not run here; "
                                 f"{shown['django-hordak posts']}")]
