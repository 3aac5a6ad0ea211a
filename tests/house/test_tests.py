"""House rules for the tests themselves: each claims something, and none guesses how long a thing takes."""
import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
WAITS = "tests/waiting.py"
CLAIMS = frozenset({"raises", "warns", "fail", "expect"})
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, Function))


def is_test(function: Function, path: Path) -> bool:
    return function.name.startswith("test_") and path.name.startswith("test_")


def called(function: Function) -> set[str]:
    return {node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            for node in ast.walk(function) if isinstance(node, ast.Call)}


def claims(function: Function, helpers: set[str]) -> bool:
    """By itself, or by something of the tests that it calls."""
    asserts = any(isinstance(node, ast.Assert) for node in ast.walk(function))
    return asserts or bool(called(function) & (CLAIMS | helpers))


def claiming_helpers() -> set[str]:
    found: set[str] = set()
    every = [one for path in TESTS for one in functions(path) if not is_test(one, path)]
    while more := {one.name for one in every if one.name not in found and claims(one, found)}:
        found |= more
    return found


def test_every_test_claims_something():
    helpers = claiming_helpers()
    empty = [f"{path.relative_to(ROOT)}:{one.lineno} {one.name}" for path in TESTS for one in functions(path)
             if is_test(one, path) and not claims(one, helpers)]
    assert not empty, f"say with `assert` what must hold: {empty}"


def test_no_test_sleeps():
    guilty = [f"{path.relative_to(ROOT)}:{node.lineno}" for path in TESTS if str(path.relative_to(ROOT)) != WAITS
              for node in ast.walk(ast.parse(path.read_text()))
              if isinstance(node, ast.Attribute) and node.attr == "sleep" and getattr(node.value, "id", "") == "time"]
    assert not guilty, f"wait for what is so: `tests.waiting.until`: {guilty}"


def test_a_test_without_a_claim_would_be_found():
    """The rule is awake."""
    tree = ast.parse("def test_nothing():\n    look()\ndef test_something():\n    assert look()")
    assert [claims(one, {"helper"}) for one in tree.body if isinstance(one, Function)] == [False, True]
