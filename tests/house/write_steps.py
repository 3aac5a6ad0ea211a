"""Writes docs/steps.md, the table of steps, from the code: `python -m tests.house.write_steps`."""
from pathlib import Path

from portal.orders.directions import RULES, Rules
from portal.orders.states import ENDED, Direction, Status

FILE = Path(__file__).parents[2] / "docs" / "steps.md"
HEAD = """# The steps of an order

Made from `portal/orders/directions.py`; a test keeps it so. Nothing else changes an order's status; a step that is not
here is refused and changes nothing. Ended: {ended}.

"""


def document() -> str:
    ended = ", ".join(f"`{status}`" for status in Status if status in ENDED)
    return HEAD.format(ended=ended) + "\n".join(_of(direction, RULES[direction]) for direction in Direction)


def _of(direction: Direction, rules: Rules) -> str:
    steps = rules.lifecycle.steps.items()
    in_order = sorted(steps, key=lambda step: (list(Status).index(Status(step[0][0])), step[0][1]))
    rows = [f"| `{status}` | `{action}` | `{to}` | {', '.join(sorted(rules.who[action]))} |"
            for (status, action), to in in_order]
    arrows = sorted({f"    {status} --> {to}: {action}" for (status, action), to in steps if status != to})
    picture = ["```mermaid", "stateDiagram-v2", "    [*] --> new", *arrows, "```"]
    head = ["| from | action | to | who |", "|---|---|---|---|"]
    return "\n".join([f"## {direction.capitalize()}", "", *picture, "", *head, *rows, ""])


if __name__ == "__main__":
    FILE.write_text(document(), "utf-8")
