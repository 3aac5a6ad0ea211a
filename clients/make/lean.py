"""The OpenAPI document without what makes generated code large: every refusal of every call, and headers of answers.

`python -m clients.make.lean` prints it, of clients/openapi.json.
"""
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).parents[1] / "openapi.json"
MARK = "// of the document sha256:"


def lean() -> str:
    """Calls by their own names, `default` for all refusals; webhooks left out."""
    document = json.loads(DOCUMENT.read_text())
    del document["webhooks"], document["x-error-codes"]
    for methods in document["paths"].values():
        for call in methods.values():
            _thin(call)
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)


def fingerprint() -> str:
    """Of what generated code was made of."""
    return MARK + hashlib.sha256(lean().encode()).hexdigest()


def _thin(call: dict[str, Any]) -> None:
    call["operationId"] = call["operationId"].removeprefix("gateway_")
    call.pop("x-scopes", None)
    answers: dict[str, Any] = call["responses"]
    refusal = next(one for status, one in answers.items() if status >= "4")
    call["responses"] = {status: {name: value for name, value in one.items() if name != "headers"}
                         for status, one in answers.items() if status < "3"}
    call["responses"]["default"] = {"description": "refused", "content": refusal["content"]}


if __name__ == "__main__":
    sys.stdout.write(fingerprint() if "--fingerprint" in sys.argv else lean())
