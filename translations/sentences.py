"""Finds what gettext's own markers do not show: the sentences of our errors, and the names of reference data.

Used by Babel (`babel.cfg`). Errors speak plain English below the doors; a page translates what they say.
"""
import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO, Any

from babel.messages.extract import extract_python

ROOT = Path(__file__).resolve().parent.parent
Found = tuple[int, str | None, str, list[str]]
SAY_SO = {"FieldError": 2, "PydanticCustomError": 1, "ValueError": 0, "BadAmount": 0, "_refused": 2, "refuse": 2,
          "_wrong": 1}
"""Which argument of these calls is a sentence for people."""
MARKED = ("_", "N_", "gettext", "ngettext")  # which gettext finds by itself
TITLED = "title"  # approvals.register(…, title="Deposit")


def python(source: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Iterator[Any]:
    """Marked strings, docstrings of errors, and the sentences errors are raised with."""
    yield from extract_python(source, keywords, comment_tags, options)
    source.seek(0)
    for node in ast.walk(ast.parse(source.read())):
        sentence = _sentence(node)
        if sentence and sentence[0].isupper():
            yield node.lineno, None, sentence, []


def reference(source: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Iterator[Found]:
    """Names of payment methods and of their numbers, as the migration puts them in."""
    text = source.read().decode()
    rows = re.search(r"INSERT INTO methods.*?\(VALUES(.*?)\) AS", text, re.DOTALL)
    assert rows, "the methods are put in elsewhere now"
    for name in re.findall(r"'([A-Z][^']*)'", rows[1]):
        yield text[:rows.start()].count("\n") + 1, None, name, []


def _sentence(node: ast.AST) -> str | None:
    if isinstance(node, ast.ClassDef):
        doc = ast.get_docstring(node, clean=False)
        return doc.strip() if node.name in _errors() and doc else None
    said = argument(node)
    return _text(said) if said is not None and _called(node) not in MARKED else None


def argument(node: ast.AST) -> ast.expr | None:
    """What a call says to people, however it is written; None for a call that says nothing."""
    name = _called(node)
    if name is None:
        return None
    assert isinstance(node, ast.Call)
    if name == "register":
        return next((one.value for one in node.keywords if one.arg == TITLED), None)
    place = 0 if name in _errors() or name in MARKED else SAY_SO.get(name)
    return node.args[place] if place is not None and len(node.args) > place else None


def _called(node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
        return None
    return node.func.id if isinstance(node.func, ast.Name) else node.func.attr


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


@cache
def _errors() -> frozenset[str]:
    """Every class that comes from PortalError, by name, wherever it is written."""
    bases: dict[str, set[str]] = {}
    for path in (ROOT / "portal").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ClassDef):
                bases.setdefault(node.name, set()).update(b.id for b in node.bases if isinstance(b, ast.Name))
    found = {"PortalError"}
    while more := {name for name, of in bases.items() if of & found} - found:
        found |= more
    return frozenset(found)
