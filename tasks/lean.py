"""What a process of the Procfile leaves out of the packages that it imports. Imported first, and by processes alone.

Their docstrings, 6 MB of each process: nobody asks a server for help with `sqlalchemy.Column`. Those of our classes
stay: an error's is the sentence that people see. Python's own way, `-OO`, takes assertions along, which guard money
here. And what a package imports wherever it finds it, and a desk has no use for.

Commands and tests import as ever.
"""
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dis import hasconst, opmap
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from inspect import CO_NEWLOCALS
from types import CodeType

OURS = {"asgi", "portal", "serve", "tasks", "wsgi"}
LEFT_OUT = "-"  # not None: some packages add to their docstrings as they are imported
WITHOUT = {
    "structlog": ("rich", "greenlet"),  # colours for a terminal; threads of a kind that we have none of
    "redis": ("opentelemetry",),  # measurements of its own; our traces are not made by them
    "huey": ("sqlite3",),  # another place for its messages
}
LOAD, STORE, MORE = opmap["LOAD_CONST"], opmap["STORE_NAME"], opmap["EXTENDED_ARG"]


class Lean(SourceFileLoader):
    """Python's loader of modules, less their docstrings."""

    def get_code(self, fullname: str) -> CodeType | None:
        code = super().get_code(fullname)
        return code and without_docstrings(code, of_classes=fullname.partition(".")[0] not in OURS)


def without_docstrings(code: CodeType, *, of_classes: bool = True) -> CodeType:
    """The same code, of a module, class or function, with LEFT_OUT in its docstring's place and in those within it."""
    constants = [without_docstrings(one, of_classes=of_classes) if isinstance(one, CodeType) else one
                 for one in code.co_consts]
    if code.co_flags & CO_NEWLOCALS:
        place = _in_function(code)
    else:
        place = _in_body(code) if of_classes or code.co_name == "<module>" else None
    if place is not None:
        constants[place] = LEFT_OUT
    if all(one is other for one, other in zip(constants, code.co_consts, strict=True)):
        return code
    return code.replace(co_consts=tuple(constants))


def _in_function(code: CodeType) -> int | None:
    """Always the first constant, which the code itself uses only where it happens to need the same words."""
    first = code.co_consts[0] if code.co_consts and not code.co_name.startswith("<") else None
    return 0 if isinstance(first, str) and not _uses(code.co_code, 0) else None


def _in_body(code: CodeType) -> int | None:
    """Of a class or module, which stores it as `__doc__`."""
    if "__doc__" not in code.co_names[:256]:
        return None
    does, store = code.co_code, bytes([STORE, code.co_names.index("__doc__")])
    for at in range(2, len(does), 2):
        if does[at:at + 2] == store:
            loads, constant = does[at - 2], does[at - 1]
            far = at > 2 and does[at - 4] == MORE
            return constant if loads == LOAD and not far and isinstance(code.co_consts[constant], str) and (
                _uses(does, constant) == 1) else None
    return None


def _uses(does: bytes, constant: int) -> int:
    """How often the constant of this number is used, or one too many."""
    return sum(does.count(bytes([uses, constant])) for uses in hasconst)


@contextmanager
def absent(*packages: str) -> Iterator[None]:
    """As though they were not installed, for who has not imported them yet."""
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def begin() -> None:
    """From here on modules are imported so."""
    sys.path_hooks.insert(0, FileFinder.path_hook(
        (ExtensionFileLoader, EXTENSION_SUFFIXES), (Lean, SOURCE_SUFFIXES), (SourcelessFileLoader, BYTECODE_SUFFIXES)))
    sys.path_importer_cache.clear()
    for package, packages in WITHOUT.items():
        with absent(*packages):
            importlib.import_module(package)


begin()
