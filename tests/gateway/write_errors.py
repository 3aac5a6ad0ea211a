"""Writes docs/errors.md from the registry of codes: `python -m tests.gateway.write_errors`."""
import importlib
import pkgutil
from pathlib import Path

import portal
from portal.gateway import problems

FILE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"
HEAD = """# Codes of refusals

Made from the code (`portal/gateway/problems.py`); a test keeps it so. The pages of the portal refuse for the same
reasons, so codes stand here that a store's key never meets. `retryable`: the same request can succeed later.

"""


def document() -> str:
    """Of every room, whether this process has used it yet or not."""
    for module in pkgutil.walk_packages(portal.__path__, "portal."):
        importlib.import_module(module.name)
    return f"{HEAD}{problems.table()}\n"


if __name__ == "__main__":
    FILE.write_text(document())
