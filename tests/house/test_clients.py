"""What is made of the OpenAPI document stands as it would be made today: `bin/clients` writes all of it.

`WRITE_CLIENTS=1 bin/test -q -n 1 tests/house/test_clients.py` writes what our own scripts make, without the generators.
"""
import ast
import os
from collections.abc import Iterator

from clients import make
from clients.make import lean
from portal.gateway import openapi

UNNAMED = {("GET", "/openapi.json"), ("POST", "/token")}  # what a client of this package has no use for


def test_what_our_scripts_make_is_what_stands_there(app):
    document = openapi.document(app)
    if os.environ.get("WRITE_CLIENTS"):
        make.write(document)
    assert not list(make.differences(document)), "bin/clients, and read what changed"


def test_the_python_client_has_every_call(app):
    """By the addresses in its source; `desk.send(Call(…))` reaches what it has no name for."""
    wanted = {(method.upper(), path.removeprefix("/gateway/v1"))
              for path, methods in openapi.document(app)["paths"].items() for method in methods}
    assert wanted - set(addresses()) <= UNNAMED, "a method in clients/python/src/quittance/aio, then bin/clients"


def addresses() -> Iterator[tuple[str, str]]:
    """(method, address) of each call in the client's source."""
    for path in (make.ROOT / "python/src/quittance/aio").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                words = [argument.value if isinstance(argument, ast.Constant) else ast.unparse(argument)[2:-1]
                         for argument in node.args if isinstance(argument, ast.Constant | ast.JoinedStr)]
                verb = next((word for word in words if word in ("GET", "POST", "PATCH", "DELETE")), "GET")
                yield from ((verb, word) for word in words if isinstance(word, str) and word.startswith("/"))


def test_the_generated_types_are_of_this_document():
    stands = (make.ROOT / "js/schema.d.ts").read_text().partition("\n")[0]
    assert stands == lean.fingerprint(), "bin/clients js"
