"""A pair's rate over a period as one drawing: a step line, and behind it how far the rate moved between two points."""
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from portal.reference.rate_history import History, Period

WIDTH, HEIGHT, EDGE = 600, 120, 6  # of the drawing, in its own units


@dataclass(frozen=True)
class Drawing:
    """`line`: the corners of a polyline; `moves`: a path of upright strokes, one for each point that hides changes."""

    line: str
    moves: str


def drawn(history: History) -> Drawing | None:
    """A rate counts until the next one, and the last until the period's end. None: there was no rate yet."""
    if history.lowest is None or history.highest is None:
        return None
    scale = _Scale(history.period, history.lowest, history.highest)
    known = [(history.period.since, history.before.rate)] if history.before else []
    corners: list[tuple[int, int]] = []
    for at, rate in [*known, *((point.at, point.rate) for point in history.points)]:
        x, y = scale.x(at), scale.y(rate)
        corners += [(x, corners[-1][1]), (x, y)] if corners else [(x, y)]
    corners.append((WIDTH, corners[-1][1]))
    strokes = [f"M{scale.x(point.at)} {scale.y(point.lowest)}V{scale.y(point.highest)}"
               for point in history.points if point.lowest < point.highest]
    return Drawing(" ".join(f"{x},{y}" for x, y in corners), "".join(strokes))


@dataclass(frozen=True)
class _Scale:
    period: Period
    lowest: Decimal
    highest: Decimal

    def x(self, at: datetime) -> int:
        return round(WIDTH * ((at - self.period.since) / (self.period.until - self.period.since)))

    def y(self, rate: Decimal) -> int:
        """Downwards, as a drawing counts; in the middle where the rate did not move."""
        room = HEIGHT - 2 * EDGE
        moved = self.highest - self.lowest
        return HEIGHT - EDGE - (round(room * (rate - self.lowest) / moved) if moved else room // 2)
