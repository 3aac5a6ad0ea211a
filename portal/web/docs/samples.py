"""Calls to copy, made of the examples that the OpenAPI document carries."""
import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pprint import pformat
from typing import Any

from portal.web.docs import samples_compiled

KEY = "qk_test_…"
WIDTH = 88
FILE = "file"
RECEIPT = "receipt.png"


@dataclass(frozen=True)
class Sample:
    """One call: `headers` with the key's, `body` None where none is sent, `files` where a file is."""

    method: str
    url: str
    headers: dict[str, str]
    body: Any
    files: bool


def samples(method: str, url: str, *, key: str | None, headers: dict[str, str], body: Any,
            files: bool = False) -> list[tuple[str, str]]:
    """(language, text) of one call; `key` None where none is needed; `files`: it sends one."""
    sent = {"Authorization": f"Bearer {key}"} if key is not None else {}
    one = Sample(method, url, sent | headers, None if files else body, files)
    return [(language, write(one)) for language, write in LANGUAGES]


def _curl(one: Sample) -> str:
    plain = one.method == "GET" or (one.method == "POST" and (one.body is not None or one.files))
    headers = one.headers | ({"Content-Type": "application/json"} if one.body is not None else {})
    parts = [f"curl {'' if plain else f'-X {one.method} '}{shlex.quote(one.url)}"]
    parts += [f'-H "{name}: {value}"' for name, value in headers.items()]
    if one.body is not None:
        parts.append(f"-d {shlex.quote(json.dumps(one.body, ensure_ascii=False, indent=2))}")
    return " \\\n  ".join([*parts, *([f"-F {FILE}=@{RECEIPT}"] if one.files else [])])


def _python(one: Sample) -> str:
    lines = ["import requests", "", f"answer = requests.{one.method.lower()}(", f"    {_quoted(one.url)},"]
    if one.headers:
        lines.append(f"    headers={_literal(one.headers, 12)},")
    if one.body is not None:
        lines.append(f"    json={_literal(one.body, 9)},")
    if one.files:
        lines.append(f'    files=[("{FILE}", open("{RECEIPT}", "rb"))],')
    return "\n".join([*lines, "    timeout=10,", ")", "answer.raise_for_status()", "print(answer.json())"])


def _javascript(one: Sample) -> str:
    headers = one.headers | ({"Content-Type": "application/json"} if one.body is not None else {})
    told = [f"  method: {_quoted(one.method)},"] if one.method != "GET" else []
    told += [f"  headers: {_indented(json.dumps(headers, indent=2), 2)},"] if headers else []
    before = []
    if one.body is not None:
        told.append(f"  body: JSON.stringify({_indented(json.dumps(one.body, ensure_ascii=False, indent=2), 2)}),")
    elif one.files:
        before = ['import { openAsBlob } from "node:fs";', "", "const form = new FormData();",
                  f'form.append("{FILE}", await openAsBlob("{RECEIPT}"), "{RECEIPT}");']
        told.append("  body: form,")
    asked = f"const answer = await fetch({_quoted(one.url)}" + (", {" if told else ");")
    return "\n".join([*before, asked, *told, *(["});"] if told else []),
                      "if (!answer.ok) throw new Error(await answer.text());", "console.log(await answer.json());"])


def _literal(value: Any, indent: int) -> str:
    text = pformat(value, width=WIDTH - indent, sort_dicts=False)
    return _indented(text.replace("'", '"') if '"' not in text else text, indent)


def _indented(text: str, by: int) -> str:
    return text.replace("\n", "\n" + " " * by)


def _quoted(text: str) -> str:
    return f'"{text}"'


LANGUAGES: tuple[tuple[str, Callable[[Sample], str]], ...] = (
    ("curl", _curl), ("Python", _python), ("PHP", samples_compiled.php), ("JavaScript", _javascript),
    ("Go", samples_compiled.go))
