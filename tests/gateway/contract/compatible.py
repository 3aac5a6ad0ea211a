"""What may change and what may not: the rules of docs/gateway.md ("What stays"), as two comparisons."""
import re
from collections.abc import Iterator, Mapping
from typing import Any

Json = Any
# words that programs compare
EXACT = frozenset({"object", "status", "code", "type", "kind", "live", "retryable", "currency"})
OF_THE_DESK = frozenset({"/data/0/code", "/data/0/kind"})  # its first method or currency, whichever that is
_SHAPES = [re.compile(one) for one in (
    r"[a-z]{2,4}_[0-7][0-9A-HJKMNP-TV-Z]{25}",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", r"-?\d+\.\d{2}", r"-?\d+\.\d{6}",
    r"[0-9a-f]{64}", r"eyJ[\w-]+\.[\w-]+\.[\w-]+", r"whsec_.+", r"https?://.+")]


def broken_answer(recorded: Json, got: Json, at: str = "") -> Iterator[str]:
    """Where an answer of today would trouble who reads it as the recorded one; new fields are no trouble."""
    if recorded is None:
        return
    if type(recorded) is not type(got):
        yield f"{at or '/'}: was {_kind(recorded)}, is {_kind(got)}"
    elif isinstance(recorded, dict):
        for name, value in recorded.items():
            if name not in got:
                yield f"{at}/{name}: is gone"
            else:
                yield from broken_answer(value, got[name], f"{at}/{name}")
    elif isinstance(recorded, list):
        if recorded and not got:
            yield f"{at}: is empty"
        elif recorded:
            yield from broken_answer(recorded[0], got[0], f"{at}/0")
    elif at.rpartition("/")[2] in EXACT and at not in OF_THE_DESK and recorded != got:
        yield f"{at}: was {recorded!r}, is {got!r}"
    elif isinstance(recorded, str) and (was := _shape(recorded)) is not None and was.fullmatch(got) is None:
        yield f"{at}: was written like {recorded!r}, is {got!r}"


def broken_document(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Where today's OpenAPI document takes less, or promises less, than the recorded one."""
    for path, methods in recorded["paths"].items():
        for method, was in methods.items():
            name, is_ = f"{method.upper()} {path}", now["paths"].get(path, {}).get(method)
            if is_ is None:
                yield f"{name}: is gone"
                continue
            yield from _parameters(name, was, is_)
            yield from _bodies(name, was, is_, recorded, now)
            yield from _answers(name, was, is_, recorded, now)
    for type in recorded["webhooks"]:
        if type not in now["webhooks"]:
            yield f"webhook {type}: is gone"
    codes = {one["code"]: one["status"] for one in now["x-error-codes"]}
    for one in recorded["x-error-codes"]:
        if codes.get(one["code"]) != one["status"]:
            yield f"code {one['code']}: was {one['status']}, is {codes.get(one['code'], 'gone')}"


def _parameters(name: str, was: Json, is_: Json) -> Iterator[str]:
    before = {(one["in"], one["name"]): one for one in was.get("parameters", ())}
    after = {(one["in"], one["name"]): one for one in is_.get("parameters", ())}
    for key, one in before.items():
        if key not in after:
            yield f"{name}: takes no {key[1]} any more"
        else:
            yield from _narrowed(f"{name}: {key[1]}", one["schema"], after[key]["schema"])
    for key, one in after.items():
        if one.get("required") and not before.get(key, {}).get("required"):
            yield f"{name}: requires {key[1]}"


def _bodies(name: str, was: Json, is_: Json, recorded: Json, now: Json) -> Iterator[str]:
    for media, one in was.get("requestBody", {}).get("content", {}).items():
        other = is_.get("requestBody", {}).get("content", {}).get(media)
        if other is None:
            yield f"{name}: takes no {media} any more"
            continue
        yield from _taken(name, _resolved(one["schema"], recorded), _resolved(other["schema"], now), recorded, now)


def _taken(name: str, was: Json, is_: Json, recorded: Json, now: Json, depth: int = 0) -> Iterator[str]:
    for field in set(is_.get("required", ())) - set(was.get("required", ())):
        yield f"{name}: requires {field}"
    for field, schema in was.get("properties", {}).items():
        if field not in is_.get("properties", {}):
            yield f"{name}: takes no {field} any more"
            continue
        before, after = _resolved(schema, recorded), _resolved(is_["properties"][field], now)
        yield from _narrowed(f"{name}: {field}", before, after)
        if depth < 4:
            yield from _taken(f"{name}/{field}", before, after, recorded, now, depth + 1)


def _narrowed(what: str, was: Json, is_: Json) -> Iterator[str]:
    if "enum" in was and "enum" in is_ and not set(map(str, was["enum"])) <= set(map(str, is_["enum"])):
        yield f"{what}: takes fewer values"
    if "enum" in is_ and "enum" not in was:
        yield f"{what}: takes certain values only"
    for limit, stricter in (("maxLength", min), ("maximum", min), ("maxItems", min), ("minLength", max),
                            ("minimum", max), ("minItems", max)):
        if limit in is_ and (limit not in was or is_[limit] != was[limit]) and (
                limit not in was or stricter(is_[limit], was[limit]) == is_[limit]):
            yield f"{what}: {limit} is stricter"


def _answers(name: str, was: Json, is_: Json, recorded: Json, now: Json) -> Iterator[str]:
    for status, one in was["responses"].items():
        other = is_["responses"].get(status)
        if status.startswith("2") and other is None:
            yield f"{name}: never answers {status} any more"
        if other is None or not status.startswith("2"):
            continue
        for media, content in one.get("content", {}).items():
            before = _resolved(content["schema"], recorded)
            after = _resolved(other.get("content", {}).get(media, {}).get("schema", {}), now)
            yield from _promised(name, before, after, recorded, now)


def _promised(name: str, was: Json, is_: Json, recorded: Json, now: Json, depth: int = 0) -> Iterator[str]:
    for field, schema in was.get("properties", {}).items():
        if field not in is_.get("properties", {}):
            yield f"{name}: answers without {field}"
            continue
        before, after = _resolved(schema, recorded), _resolved(is_["properties"][field], now)
        if field in was.get("required", ()) and field not in is_.get("required", ()):
            yield f"{name}: {field} may be left out"
        if before.get("type") is not None and after.get("type") not in (None, before["type"]):
            yield f"{name}: {field} was {before['type']}, is {after['type']}"
        if not _may_be_null(before) and _may_be_null(after):
            yield f"{name}: {field} may be null"
        if depth < 4:
            yield from _promised(f"{name}/{field}", before, after, recorded, now, depth + 1)
            yield from _promised(f"{name}/{field}", _resolved(before.get("items", {}), recorded),
                                 _resolved(after.get("items", {}), now), recorded, now, depth + 1)


def _may_be_null(schema: Json) -> bool:
    return any(one.get("type") == "null" for one in schema.get("anyOf", ()))


def _resolved(schema: Json, document: Json) -> Json:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _shape(text: str) -> re.Pattern[str] | None:
    return next((one for one in _SHAPES if one.fullmatch(text)), None)


def _kind(value: Json) -> str:
    return {"NoneType": "null", "str": "text", "dict": "an object", "list": "a list"}.get(
        type(value).__name__, type(value).__name__)
