"""`python -m benchmarks [names] [--rounds N] [--quick]`: measure, judge, and write RESULTS.md and results.json."""
import argparse
import importlib
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.ground import about, ground
from benchmarks.result import Result

FOLDER = Path(__file__).parent
MEASURES = {  # by name: the module, and the gates it judges
    "create": "G1 G2",
    "matching": "G3 G4",
    "settling": "G5",
    "payouts": "payouts against payins",
    "pipeline": "G6",
    "others": "G7 G8",
    "memory": "G9",
    "pages": "G10, fault 30, coverage",
    "proof": "proofs over a million rows",
    "gateway": "creates by key, by token and signed; reads with a million orders behind",
    "risk": "what rules add to matching",
}
TRIES = 2  # of a measurement whose pgbench rounds differ too much


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(MEASURES)}; all when none is named")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (3)")
    parser.add_argument("--quick", action="store_true", help="short rounds and small fills: to look, not to judge by")
    parser.add_argument("--dry", action="store_true", help="print only; leave RESULTS.md and results.json as they are")
    asked = parser.parse_args()
    unknown = set(asked.names) - MEASURES.keys()
    if unknown:
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is stopped all the same
    failed = False
    with ground(rounds=max(1, asked.rounds), quick=asked.quick) as where:
        for name in asked.names or MEASURES:
            before, started = about(where), time.monotonic()
            results = _measured(name, where)
            run = {"about": before, "took_s": round(time.monotonic() - started), "rounds": where.rounds,
                   "quick": asked.quick, "results": [result.kept() for result in results]}
            _say(name, run, results)
            failed |= any(result.verdict == "FAIL" for result in results)
            if not asked.dry:
                _keep(name, run)
    return int(failed)


def _measured(name: str, where: Any) -> list[Result]:
    module = importlib.import_module(f"benchmarks.{name}")
    for _ in range(TRIES):
        results: list[Result] = module.measure(where)
        if not any(result.spoiled for result in results):
            break
        print(f"{name}: pgbench's own rounds differ by more than 40 %; thrown away", file=sys.stderr)
    return results


def _say(name: str, run: dict[str, Any], results: list[Result]) -> None:
    print(f"\n{name}: {run['took_s']} s, {run['rounds']} rounds, load {run['about']['load']}")
    for result in results:
        print(f"  {result.gate_name:4} {result.verdict:11} {result.shown(result.value):>12}"
              f"  gate {result.sense} {result.shown(result.gate)}, goal {result.shown(result.goal)}  {result.what}")
        if result.note:
            print(f"       {result.note}")
    sys.stdout.flush()


def _keep(name: str, run: dict[str, Any]) -> None:
    """Each measurement's newest run, whichever were asked for this time."""
    from benchmarks.report import table

    file = FOLDER / "results.json"
    kept = json.loads(file.read_text("utf-8")) if file.exists() else {}
    kept[name] = run
    file.write_text(json.dumps(kept, indent=1, ensure_ascii=False, default=str) + "\n", "utf-8")
    (FOLDER / "RESULTS.md").write_text(table(kept, list(MEASURES)), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
