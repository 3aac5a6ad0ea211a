"""What under clients/ is made of the gateway's OpenAPI document by scripts of ours; `bin/clients` writes all of it."""
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clients.make import bruno, python_blocking, python_shapes

ROOT = Path(__file__).parents[1]
SERVER = "http://127.0.0.1:8000"


def files(document: dict[str, Any]) -> dict[Path, str]:
    """Path below clients/ → what must stand there."""
    document = document | {"servers": [{"url": SERVER}]}
    return {
        Path("openapi.json"): json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n",
        Path("python/src/quittance/shapes.py"): python_shapes.module(document),
        **python_blocking.modules(ROOT / "python/src/quittance"),
        **bruno.collection(document)}


def differences(document: dict[str, Any]) -> Iterator[str]:
    """What does not stand as it should."""
    wanted = files(document)
    for path, text in wanted.items():
        if not (ROOT / path).is_file() or (ROOT / path).read_text() != text:
            yield str(path)
    for path in (ROOT / "bruno").rglob("*.bru"):
        if path.relative_to(ROOT) not in wanted:
            yield f"{path.relative_to(ROOT)} (left over)"


def write(document: dict[str, Any]) -> None:
    wanted = files(document)
    for path in (ROOT / "bruno").rglob("*.bru"):
        if path.relative_to(ROOT) not in wanted:
            path.unlink()
    for path, text in wanted.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)
