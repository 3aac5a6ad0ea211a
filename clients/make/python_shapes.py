"""The shapes of the OpenAPI document as TypedDicts, for whoever lets mypy look at the Python client."""
import json
import keyword
import re
from typing import Any

HEAD = '''# ruff: noqa: E501
"""What the gateway takes and gives; made of its OpenAPI document by bin/clients. Answers may grow new fields."""
from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict
'''
SIMPLE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None",
          "object": "dict[str, Any]"}
WIDTH = 118


def module(document: dict[str, Any]) -> str:
    """Pages of something are left out: `Page[…]` of the client is one for all."""
    schemas = document["components"]["schemas"]
    shapes = [_shape(name, schema) for name, schema in sorted(schemas.items())
              if schema.get("type") == "object" and not name.startswith("Page")]
    return "\n\n".join([HEAD, *shapes])


def name_of(schema: str) -> str:
    return re.sub(r"\W", "", schema)


def _shape(name: str, schema: dict[str, Any]) -> str:
    """Everything in an answer is always there; of a request, what is not required may be left out."""
    required, fields = schema.get("required", ()), schema.get("properties", {})
    body = [f"    {field}: {_type(part) if field in required else f'NotRequired[{_type(part)}]'}"
            for field, part in fields.items()]
    assert not any(keyword.iskeyword(field) for field in fields), name
    words = _words(schema)
    return "\n".join([f"class {name_of(name)}(TypedDict):", *words, *(body or ["    pass"] * (not words)), ""])


def _words(schema: dict[str, Any]) -> list[str]:
    said = " ".join(schema.get("description", "").split())
    if not said:
        return []
    lines, line = [], '    """'
    for word in said.split(" "):
        if len(line) + len(word) > WIDTH - 4:
            lines.append(line.rstrip())
            line = "    "
        line += word + " "
    return [*lines, line.rstrip() + '"""', ""]


def _type(part: dict[str, Any]) -> str:
    if "$ref" in part:
        return name_of(part["$ref"].rpartition("/")[2])
    if options := part.get("anyOf") or part.get("oneOf"):
        return " | ".join(dict.fromkeys(_type(one) for one in options))
    if isinstance(part.get("const"), list):
        return f"list[{_type({'enum': part['const']})}]"
    if "const" in part or "enum" in part:
        return f"Literal[{', '.join(map(_literal, part.get('enum', [part.get('const')])))}]"
    if part.get("type") == "array":
        return f"list[{_type(part.get('items', {}))}]"
    if part.get("type") == "object" and isinstance(part.get("additionalProperties"), dict):
        return f"dict[str, {_type(part['additionalProperties'])}]"
    return SIMPLE.get(part.get("type", ""), "Any")


def _literal(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)
