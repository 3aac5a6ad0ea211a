"""A Bruno collection out of the OpenAPI document: one file for each call, with its example as the body."""
import json
import re
from pathlib import Path
from typing import Any

from portal.web.docs import schemas

TOKEN, DESK = "{{key}}", "{{desk}}"
ENVIRONMENT = """vars {
  desk: http://127.0.0.1:8000
}
vars:secret [
  key
]
"""
ABOUT = """meta {{
  name: Quittance gateway
}}

auth {{
  mode: bearer
}}

auth:bearer {{
  token: {token}
}}

docs {{
  Choose the environment "desk", set its address and its secret `key` (a test key of your store), and begin with
  Payins / {first}. Each call has an Idempotency-Key made anew at each sending.
}}
"""


def collection(document: dict[str, Any]) -> dict[Path, str]:
    """Path below clients/ → text."""
    root, parts = Path("bruno"), document["components"]["schemas"]
    found = {root / "bruno.json": json.dumps({"version": "1", "name": "Quittance gateway", "type": "collection"},
                                             indent=2) + "\n",
             root / "environments" / "desk.bru": ENVIRONMENT,
             root / "collection.bru": ABOUT.format(token=TOKEN, first="Take a payment")}
    for number, (path, method, call) in enumerate(_calls(document), 1):
        name = call["operationId"].removeprefix("gateway_").replace("_", "-")
        found[root / call["tags"][0] / f"{name}.bru"] = _request(path, method, call, number, parts)
    return found


def _calls(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """(path, method, what is said of it): making comes first."""
    return [(path, method, call) for path, methods in sorted(document["paths"].items())
            for method, call in sorted(methods.items(), key=lambda item: item[0] != "post")]


def _request(path: str, method: str, call: dict[str, Any], number: int, parts: dict[str, Any]) -> str:
    content = call.get("requestBody", {}).get("content", {})
    kind = "json" if "application/json" in content else "multipartForm" if content else "none"
    url = DESK + re.sub(r"\{(\w+)\}", r":\1", path)
    blocks = [_block("meta", [f"name: {call['summary']}", "type: http", f"seq: {number}"]),
              _block(method, [f"url: {url}", f"body: {kind}",
                              f"auth: {'none' if call.get('security') == [] else 'inherit'}"])]
    by_place: dict[str, list[str]] = {"path": [], "query": [], "header": []}
    for one in call["parameters"]:
        by_place[one["in"]].append(_parameter(one, parts))
    blocks += [_block(name, by_place[place]) for place, name in (
        ("path", "params:path"), ("query", "params:query"), ("header", "headers")) if by_place[place]]
    if kind == "json":
        body = json.dumps(schemas.example(content["application/json"]["schema"], parts), ensure_ascii=False, indent=2)
        blocks.append(_block("body:json", (body or "{}").splitlines()))
    elif kind == "multipartForm":
        blocks.append(_block("body:multipart-form", ["file: @file(receipt.png)"]))
    return "\n".join([*blocks, _block("docs", [call["description"]])])


def _parameter(one: dict[str, Any], parts: dict[str, Any]) -> str:
    """What is not required is there, switched off."""
    if one["name"] == "Idempotency-Key":
        return "Idempotency-Key: {{$randomUUID}}"
    value = one.get("example") or schemas.example(one["schema"], parts)
    return f"{'' if one['required'] else '~'}{one['name']}: {'' if value in (None, '…') else value}"


def _block(name: str, lines: list[str]) -> str:
    return "\n".join([f"{name} {{", *(f"  {line}" for line in lines), "}", ""])
