"""The checklist of docs/security.md: no line of levels 1 and 2 lacks, and what it names is there."""
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHECKLIST = ROOT / "docs" / "security.md"
# Of ASVS 5.0.0, levels 1 and 2: the numbers of each section's lines.
LINES = {
    "1.1": "1-2", "1.2": "1-9", "1.3": "1-11", "1.4": "1-3", "1.5": "1-2", "2.1": "1-3", "2.2": "1-3", "2.3": "1-4",
    "2.4": "1", "3.2": "1-2", "3.3": "1-4", "3.4": "1-6", "3.5": "1-5", "3.7": "1-2", "4.1": "1-3", "4.2": "1",
    "4.3": "1-2", "4.4": "1-4", "5.1": "1", "5.2": "1-3", "5.3": "1-2", "5.4": "1-3", "6.1": "1-3", "6.2": "1-12",
    "6.3": "1-4", "6.4": "1-4", "6.5": "1-5", "6.6": "1-3", "6.8": "1-4", "7.1": "1-3", "7.2": "1-4", "7.3": "1-2",
    "7.4": "1-5", "7.5": "1-2", "7.6": "1-2", "8.1": "1-2", "8.2": "1-3", "8.3": "1", "8.4": "1", "9.1": "1-3",
    "9.2": "1-4", "10.1": "1-2", "10.2": "1-2", "10.3": "1-4", "10.4": "1-11", "10.5": "1-5", "10.6": "1-2",
    "10.7": "1-3", "11.1": "1-2", "11.2": "1-3", "11.3": "1-3", "11.4": "1-4", "11.5": "1", "11.6": "1", "12.1": "1-3",
    "12.2": "1-2", "12.3": "1-4", "13.1": "1", "13.2": "1-5", "13.3": "1-2", "13.4": "1-5", "14.1": "1-2",
    "14.2": "1-4", "14.3": "1-3", "15.1": "1-3", "15.2": "1-3", "15.3": "1-7", "16.1": "1", "16.2": "1-5",
    "16.3": "1-4", "16.4": "1-3", "16.5": "1-3", "17.1": "1", "17.2": "1-4", "17.3": "1-2",
}
ROW = re.compile(r"^\| (\d+\.\d+)\.(\d+)(?:–\d+\.\d+\.(\d+))? \| ([^|]+) \| ([^|]+) \|$", re.M)
NAMED = re.compile(r"`((?:tests/)?[\w/]*test_\w+\.py)(?:::(test_\w+))?`")


def numbers(span: str) -> range:
    first, _, last = span.partition("-")
    return range(int(first), int(last or first) + 1)


def test_no_line_is_left_out_or_stands_twice():
    stand = [(section, number) for section, first, last, *_ in ROW.findall(CHECKLIST.read_text())
             for number in numbers(f"{first}-{last or first}")]
    assert len(stand) == len(set(stand)), sorted({line for line in stand if stand.count(line) > 1})
    lacking = {(section, number) for section, span in LINES.items() for number in numbers(span)} - set(stand)
    assert not lacking, sorted(lacking)


def test_every_test_it_names_is_there():
    text = CHECKLIST.read_text()
    named = NAMED.findall(text)
    assert len(named) > 200
    lost = [f"{file}::{test}" for file, test in named if not _is_there(file, test)]
    assert not lost, lost
    missing = [path for path in re.findall(r"`((?:docs|portal|deploy|tests|bin)/[\w./-]+)`", text)
               if not (ROOT / path).exists() and not (ROOT / "docs" / path).exists()]
    assert not missing, missing


def test_every_line_says_what_holds_it_or_why_nothing_does():
    silent = [f"{section}.{number}" for section, number, _, asks, held in ROW.findall(CHECKLIST.read_text())
              if not asks.strip() or len(held.strip()) < 8]
    assert not silent, silent


def _is_there(file: str, test: str) -> bool:
    return any(not test or f"def {test}(" in text for path, text in _files() if path.endswith(f"/{file}"))


@cache
def _files() -> list[tuple[str, str]]:
    return [(f"/{path.relative_to(ROOT)}", path.read_text()) for path in (ROOT / "tests").rglob("test_*.py")]
