"""RESULTS.md, made from results.json."""
from typing import Any

from benchmarks.result import Result

HEAD = """# Speed, measured
Made by `.venv/bin/python -m benchmarks`; gates and goals are those of the specification. Ratios count: both sides run
in turn on one machine, and the figure is the median of the rounds' own ratios. A run whose own pgbench rounds differ by
more than 40 % is thrown away. One measurement alone: `python -m benchmarks create`; `--rounds 5` for more rounds,
`--quick` to look without judging. Both sides, every round: `results.json`.

| | | measured | gate | goal | |
|---|---|---|---|---|---|
"""


def table(kept: dict[str, Any], names: list[str]) -> str:
    """Every gate with its verdict, then how each measurement was made."""
    lines, made = [], []
    for name in [name for name in names if name in kept]:
        run = kept[name]
        for row in run["results"]:
            result = Result(**{key: value for key, value in row.items() if key != "verdict"})
            lines.append(f"| {result.gate_name} | {result.what} | {result.shown(result.value)} | {result.sense} "
                         f"{result.shown(result.gate)} | {result.shown(result.goal)} | **{result.verdict}** |"
                         if result.value is not None else f"| {result.gate_name} | {result.what} | – | | | not run |")
        made.append(_how(name, run))
    return HEAD + "\n".join(sorted(lines, key=_number)) + "\n\n" + "\n".join(made)


def _how(name: str, run: dict[str, Any]) -> str:
    about = run["about"]
    notes = "".join(f"- {row['gate_name']}: {row['note']}\n" for row in run["results"] if row["note"])
    return (f"## {name}\n`python -m benchmarks {name}{' --quick' if run['quick'] else ''} --rounds {run['rounds']}`, "
            f"{run['took_s']} s, load before {about['load']}, {about['cores']} cores, pgbench {about['pace']:.0%} of"
            f" what it did where the gates were found, {about['postgresql']}, "
            f"Python {about['python']}, uvicorn {about.get('uvicorn', '-')}, commit {about['commit']}"
            f"{' with changes' if about['changed'] else ''}\n\n{notes}")


def _number(line: str) -> tuple[int, str]:
    name = line.split("|")[1].strip()
    return int("".join(filter(str.isdigit, name.split()[0])) or 0), name
