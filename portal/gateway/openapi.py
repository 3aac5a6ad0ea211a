"""OpenAPI 3.1 from the code: routes from the URL map, shapes from pydantic models, codes from the registry."""
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from portal.core.access import SCOPES
from portal.core.errors import DatabaseUnavailable, Denied, Invalid, LockTimeout, PortalError
from portal.gateway import errors, patterns, problems, schemas
from portal.gateway import openapi_security as security
from portal.gateway import openapi_texts as words
from portal.gateway.endpoint import BASE, Call
from portal.parties.stores import StoreSuspended
from portal.webhooks.event_types import TOLD

JSON, MULTIPART, FORM = "application/json", "multipart/form-data", "application/x-www-form-urlencoded"
REF = "#/components/schemas/{model}"
HEADERS = {
    "Request-Id": {"description": "names this request in our logs", "schema": {"type": "string"}},
    "RateLimit-Limit": {"description": "calls in a window", "schema": {"type": "integer"}},
    "RateLimit-Remaining": {"description": "calls left in this window", "schema": {"type": "integer"}},
    "RateLimit-Reset": {"description": "seconds until the window ends", "schema": {"type": "integer"}},
}
RETRY_AFTER = {"Retry-After": {"description": "seconds to wait", "schema": {"type": "integer"}}}
ENDING = {
    "Deprecation": {"description": "since when another call is to be used, as RFC 9745 has it",
                    "schema": {"type": "string"}},
    "Sunset": {"description": "from then on this call may be gone", "schema": {"type": "string"}}}
REPLAYED = {"Idempotent-Replayed": {"description": "`true`: this is the first answer again",
                                    "schema": {"type": "string", "enum": ["true"]}}}


@cache
def document(app: Flask) -> dict[str, Any]:
    """The whole document of the app's gateway."""
    found = sorted(calls(app), key=lambda item: (item[0].rule, item[1]))
    refs, definitions = models_json_schema(
        [(model, mode) for model, mode in sorted(_models(found), key=lambda m: (m[0].__name__, m[1]))],
        ref_template=REF)
    words.illustrate(definitions["$defs"])
    paths: dict[str, Any] = {}
    for rule, method, described in found:
        operation = _operation(rule, method, described, refs)
        if links := dict(_links(rule, found)) if method == "POST" else {}:
            operation["responses"][str(described.status)]["links"] = links
        paths.setdefault(path_of(rule), {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Quittance gateway", "version": "1", "description":
                 "Times are RFC 3339 in UTC with milliseconds; amounts are decimal texts; ids are opaque."},
        "servers": [{"url": app.extensions["settings"].public_url.rstrip("/")}],
        "security": security.alternatives([]),
        "paths": paths,
        "webhooks": {name: _webhook(name, refs) for name in TOLD},
        "components": {
            "securitySchemes": security.schemes(SCOPES),
            "schemas": definitions["$defs"],
        },
        "x-error-codes": [{"code": e.code, "status": e.status, "retryable": e.retryable, "title": e.title}
                          for e in problems.registry().values()],
    }


def calls(app: Flask) -> Iterator[tuple[Rule, str, Call]]:
    """Every described call of the gateway."""
    for rule in app.url_map.iter_rules():
        described = getattr(app.view_functions[rule.endpoint], "call", None)
        if isinstance(described, Call):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, described


def errors_of(method: str, described: Call) -> list[type[PortalError]]:
    """What this call may refuse with, beside its own: who calls, how it is written, how the desk is."""
    found: list[type[PortalError]] = [errors.Bug, DatabaseUnavailable, Invalid]
    if described.permission is not None:
        found += [errors.Unauthorized, errors.SignatureMissing, errors.SignatureInvalid, errors.TimestampOutOfRange,
                  errors.AddressNotAllowed, errors.ScopeMissing, StoreSuspended, Denied,
                  errors.TooManyRequests]
    if described.takes_form:
        found += [errors.NotForm, errors.MalformedJson, errors.BadRequest, errors.BodyTooLarge, errors.BodyTooSlow,
                  errors.TooManyRequests]
    elif method not in ("GET", "HEAD"):
        found += [errors.SignatureReplayed, errors.KeyRequired]
        found += [] if described.takes_files else [errors.MalformedJson, errors.NotJson]
        found += [errors.BadRequest, errors.BodyTooLarge, errors.BodyTooSlow,
                  errors.KeyUnusable, errors.KeyReused, errors.KeyInProgress, LockTimeout]
    return [*found, *described.errors]


def _operation(rule: Rule, method: str, described: Call, refs: Any) -> dict[str, Any]:
    replayed = REPLAYED if _takes_key(method, described) else {}
    ok: dict[str, Any] = {"description": described.summary, "headers": HEADERS | replayed,
                          "content": {"application/json": {"schema": _schema(described.answer, refs)}}}
    operation: dict[str, Any] = {
        "operationId": _name(rule), "summary": described.summary,
        "description": words.DESCRIPTIONS[rule.endpoint.partition(".")[2]],
        "tags": [words.TAGS[rule.rule.removeprefix(f"{BASE}/").partition("/")[0]]],
        "parameters": list(_parameters(rule, method, described)),
        "responses": {str(described.status): ok} | _refusals(method, described, refs)}
    if described.deprecated is not None:
        operation |= {"deprecated": True, "x-sunset": f"{described.deprecated.sunset:%Y-%m-%d}",
                      "x-use-instead": described.deprecated.instead}
        ok["headers"] = ok["headers"] | ENDING
    if described.permission is None:
        operation["security"] = []
    else:
        operation["x-scopes"] = [name for name, held in SCOPES.items() if described.permission in held]
        operation["security"] = security.alternatives(operation["x-scopes"])
    if described.body is not None:
        wanted = any(field.is_required() for field in described.body.model_fields.values())
        kinds = (FORM, JSON) if described.takes_form else (JSON,)
        operation["requestBody"] = {"required": wanted, "content": {
            kind: {"schema": refs[(described.body, "validation")]} for kind in kinds}}
    if described.takes_files:
        operation["requestBody"] = {"required": True, "content": {MULTIPART: {
            "schema": words.FILES, "encoding": {"file": {"contentType": words.FILE_TYPES}}}}}
    if described.cached:
        operation["responses"]["304"] = {"description": "as you have it"}
    return operation


def _name(rule: Rule) -> str:
    return str(rule.endpoint).replace(".", "_")


def _links(rule: Rule, found: list[tuple[Rule, str, Call]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What can be done next with what was made: every call whose address goes on behind this one by its id."""
    for other, _, _ in found:
        if other.rule.startswith(f"{rule.rule}/<"):
            (name,) = other.arguments
            yield _name(other), {"operationId": _name(other), "parameters": {name: "$response.body#/id"}}


def _parameters(rule: Rule, method: str, described: Call) -> Iterator[dict[str, Any]]:
    for name in sorted(rule.arguments):
        yield {"name": name, "in": "path", "required": True,
               "schema": {"type": "string", "pattern": patterns.id_of(words.PARAMETERS[name].partition("_")[0])},
               "example": words.PARAMETERS[name]}
    if described.query is not None:
        query = described.query.model_json_schema()
        for name, schema in query["properties"].items():
            yield {"name": name, "in": "query", "required": name in query.get("required", ()), "schema": _plain(schema),
                   "description": words.QUERIES[name]}
    if _takes_key(method, described):
        yield {"name": "Idempotency-Key", "in": "header", "required": described.moves_money,
               "description": "the same key gives the same answer, for 72 hours at least",
               "example": words.PARAMETERS["Idempotency-Key"],
               "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}}


def _takes_key(method: str, described: Call) -> bool:
    return method != "GET" and not described.takes_form


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Of a query value: left out is left out, there is no null in a query string."""
    options = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    found = {name: value for name, value in schema.items() if name != "anyOf"} | (options[0] if options else {})
    return {name: value for name, value in found.items() if (name, value) != ("default", None)}


def _refusals(method: str, described: Call, refs: Any) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for kind in errors_of(method, described):
        by_status.setdefault(problems.status_of(kind), []).append(kind.code)
    return {str(status): {
        "description": ", ".join(f"`{code}`" for code in sorted(set(codes))),
        "headers": {"Request-Id": HEADERS["Request-Id"]} | (RETRY_AFTER if status in (409, 429, 503) else {}),
        "content": {problems.MEDIA_TYPE: {"schema": refs[(schemas.Problem, "serialization")]}},
    } for status, codes in sorted(by_status.items())}


def _schema(answer: Any, refs: Any) -> Any:
    if isinstance(answer, type) and issubclass(answer, BaseModel):
        return refs[(answer, "serialization")]
    return {"type": "object"}


def _models(found: list[tuple[Rule, str, Call]]) -> set[tuple[type[BaseModel], Any]]:
    models: set[tuple[type[BaseModel], Any]] = {(schemas.Problem, "serialization"),
                                                (schemas.WebhookMessage, "serialization")}
    for _, _, described in found:
        if isinstance(described.answer, type) and issubclass(described.answer, BaseModel):
            models.add((described.answer, "serialization"))
        if described.body is not None:
            models.add((described.body, "validation"))
    return models


def _webhook(name: str, refs: Any) -> dict[str, Any]:
    headers = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return {"post": {
        "operationId": f"webhook_{name.replace('.', '_')}", "summary": f"`{name}`, signed as Standard Webhooks has it",
        "security": [],
        "parameters": [{"name": header, "in": "header", "required": True, "schema": {"type": "string"}}
                       for header in headers],
        "requestBody": {"required": True, "content": {
            "application/json": {"schema": refs[(schemas.WebhookMessage, "serialization")],
                                 "example": words.message(name)}}},
        "responses": {"2XX": {"description": "taken"}, "410": {"description": "switch this endpoint off"}}}}


def path_of(rule: Rule) -> str:
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
