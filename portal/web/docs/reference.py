"""The reference: every call of the OpenAPI document, ready to be drawn."""
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from flask import Flask, current_app

from portal.web.docs import samples, schemas
from portal.web.docs.schemas import Field

BASE = re.compile(r"^/gateway/v1")
MULTIPART = "multipart/form-data"
METHODS = ("POST", "GET", "PATCH", "DELETE")  # making comes first
FIRST = "webhook-endpoints"  # of its group: without one nothing is told


@dataclass(frozen=True)
class Parameter:
    name: str
    place: str  # path, query or header
    required: bool
    type: str
    words: str


@dataclass(frozen=True)
class Operation:
    """One call as its page shows it."""

    id: str
    tag: str
    method: str
    path: str  # below /gateway/v1
    summary: str
    words: str
    scopes: Sequence[str]
    open: bool  # no key needed
    parameters: Sequence[Parameter]
    body: Sequence[Field]
    status: str
    answer: Sequence[Field]
    answer_example: str
    refusals: Sequence[tuple[str, Sequence[str]]]  # (status, codes)
    _call: dict[str, Any] = field(repr=False)

    def samples(self, key: str | None = None) -> list[tuple[str, str]]:
        """(language, text); `key` is what stands in the place of a key."""
        return samples.samples(**self._call, key=None if self.open else key or samples.KEY)

    @property
    def anchor(self) -> str:
        return self.id.removeprefix("gateway_").replace("_", "-")


@dataclass(frozen=True)
class Tag:
    name: str
    operations: Sequence[Operation]

    @property
    def slug(self) -> str:
        return self.name.lower().replace(" ", "-")


@dataclass(frozen=True)
class Message:
    """A webhook with what it looks like."""

    type: str
    example: str


@dataclass(frozen=True)
class Reference:
    server: str
    tags: Sequence[Tag]
    messages: Sequence[Message]
    codes: Sequence[dict[str, Any]]
    scopes: Sequence[str]
    problem: str


def reference() -> Reference:
    """Of this application; read once."""
    return _read(current_app._get_current_object())  # type: ignore[attr-defined]


def operation(operation_id: str) -> Operation:
    """A call by its id in the document."""
    return next(one for tag in reference().tags for one in tag.operations if one.id == operation_id)


@cache
def _read(app: Flask) -> Reference:
    document = app.extensions["openapi"]()
    server, parts = document["servers"][0]["url"], document["components"]["schemas"]
    by_tag: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            by_tag.setdefault(described["tags"][0], []).append(_operation(server, path, method, described, parts))
    for calls in by_tag.values():
        calls.sort(key=lambda one: (one.path.split("/")[1] != FIRST, one.path, METHODS.index(one.method)))
    order = ["Payins", "Balance", "Webhooks"]
    tags = [Tag(name, by_tag[name]) for name in sorted(by_tag, key=lambda n: (order.index(n) if n in order else 9, n))]
    messages = [Message(name, _json(hook["post"]["requestBody"]["content"]["application/json"]["example"]))
                for name, hook in document["webhooks"].items()]
    scopes = sorted({scope for tag in tags for one in tag.operations for scope in one.scopes})
    return Reference(server, tags, messages, document["x-error-codes"], scopes,
                     _json(schemas.example(parts["Problem"], parts)))


def _operation(server: str, path: str, method: str, described: dict[str, Any], parts: dict[str, Any]) -> Operation:
    status, answer = next((status, one) for status, one in described["responses"].items() if status.startswith("2"))
    shape, body = _shape(answer) or {}, _shape(described.get("requestBody", {}))
    files = MULTIPART in described.get("requestBody", {}).get("content", {})
    parameters = described["parameters"]
    url = server + path
    for one in parameters:
        if one["in"] == "path":
            url = url.replace(f"{{{one['name']}}}", one["example"])
    headers = {one["name"]: one["example"] for one in parameters if one["in"] == "header" and one["required"]}
    sent = schemas.example(body, parts) if body is not None and list(schemas.fields(body, parts)) else None
    return Operation(
        id=described["operationId"], tag=described["tags"][0], method=method.upper(), path=BASE.sub("", path),
        summary=described["summary"], words=described["description"], scopes=described.get("x-scopes", []),
        open=described.get("security") == [], parameters=[_parameter(one, parts) for one in parameters],
        body=list(schemas.fields(body, parts)) if body is not None else [], status=status,
        answer=list(schemas.fields(shape, parts)), answer_example=_json(schemas.example(shape, parts)) if shape.get(
            "$ref") else "", refusals=[(status, re.findall(r"`(\w+)`", one["description"]))
                                       for status, one in described["responses"].items() if status >= "4"],
        _call={"method": method.upper(), "url": url, "headers": headers, "body": None if files else sent,
               "files": files})


def _shape(sent: dict[str, Any]) -> dict[str, Any] | None:
    """The schema of a body, if there is one."""
    for content in sent.get("content", {}).values():
        found: dict[str, Any] = content["schema"]
        return found
    return None


def _parameter(described: dict[str, Any], parts: dict[str, Any]) -> Parameter:
    row = next(schemas.fields({"properties": {described["name"]: described["schema"]}}, parts))
    words = " · ".join(text for text in (described.get("description", ""), row.words) if text)
    return Parameter(described["name"], described["in"], described["required"], row.type, words)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
