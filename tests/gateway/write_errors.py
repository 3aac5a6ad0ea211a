"""Writes docs/errors.md from the registry of codes: `bin/flask` environment, `python -m tests.gateway.write_errors`."""
from pathlib import Path

HEAD = """# Codes of refusals

Made from the code (`portal/gateway/problems.py`); a test keeps it so. `retryable`: the same request can succeed later.

"""

if __name__ == "__main__":
    import portal.tables
    from portal import gateway, web
    from portal.gateway import problems

    assert portal.tables
    assert gateway
    assert web
    import wsgi

    assert wsgi.app
    (Path(__file__).resolve().parents[2] / "docs" / "errors.md").write_text(f"{HEAD}{problems.table()}\n")
