"""Calls to copy, made of the examples that the OpenAPI document carries."""
import json
import shlex
from pprint import pformat
from typing import Any

KEY = "qk_test_…"
WIDTH = 88
FILE = "file"


def samples(method: str, url: str, *, key: str | None, headers: dict[str, str], body: Any,
            files: bool = False) -> list[tuple[str, str]]:
    """(language, text) of one call; `key` None where none is needed; `files`: it sends one."""
    sent = {"Authorization": f"Bearer {key}"} if key is not None else {}
    sent |= headers
    if files:
        return [("curl", _curl(method, url, sent, None) + f" \\\n  -F {FILE}=@receipt.png"),
                ("Python", _python(method, url, sent, None).replace(
                    "    timeout=", f'    files=[("{FILE}", open("receipt.png", "rb"))],\n    timeout='))]
    return [("curl", _curl(method, url, sent, body)), ("Python", _python(method, url, sent, body))]


def _curl(method: str, url: str, headers: dict[str, str], body: Any) -> str:
    parts = [f"curl {shlex.quote(url)}" if method in ("GET", "POST") and (body is not None or method == "GET")
             else f"curl -X {method} {shlex.quote(url)}"]
    if body is not None:
        if method not in ("GET", "POST"):
            parts = [f"curl -X {method} {shlex.quote(url)}"]
        headers = {**headers, "Content-Type": "application/json"}
    parts += [f'-H "{name}: {value}"' for name, value in headers.items()]
    if body is not None:
        parts.append(f"-d {shlex.quote(json.dumps(body, ensure_ascii=False, indent=2))}")
    return " \\\n  ".join(parts)


def _python(method: str, url: str, headers: dict[str, str], body: Any) -> str:
    lines = ["import requests", "", f"answer = requests.{method.lower()}(", f"    {_quoted(url)},"]
    if headers:
        lines.append(f"    headers={_literal(headers, 12)},")
    if body is not None:
        lines.append(f"    json={_literal(body, 9)},")
    return "\n".join([*lines, "    timeout=10,", ")", "answer.raise_for_status()", "print(answer.json())"
                      if method != "DELETE" else "print(answer.status_code)"])


def _literal(value: Any, indent: int) -> str:
    text = pformat(value, width=WIDTH - indent, sort_dicts=False)
    return text.replace("'", '"').replace("\n", "\n" + " " * indent) if '"' not in text else text.replace(
        "\n", "\n" + " " * indent)


def _quoted(text: str) -> str:
    return f'"{text}"'
