"""Reading JSON Schema: an example of a shape, and its fields as rows of a table."""
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

REF = "#/components/schemas/"
DEPTH_MAX = 4
Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """A row: `settlement.fee`, how deep it stands, and what may be in it."""

    name: str
    depth: int
    type: str
    required: bool
    words: str


def resolved(schema: Schema, schemas: Schema) -> dict[str, Any]:
    """The schema itself where another is only named; what stands beside the name wins."""
    found = dict(schema)
    while "$ref" in found:
        target = schemas[found.pop("$ref").removeprefix(REF)]
        found = {**target, **found}
    return found


def example(schema: Schema, schemas: Schema) -> Any:
    """What such a value looks like: the schema's own example, else one made of its parts."""
    schema = resolved(schema, schemas)
    for name in ("example", "const", "default"):
        if name in schema and not (name == "default" and schema[name] is None):
            return schema[name]
    if choices := schema.get("examples") or schema.get("enum"):
        return choices[0]
    if options := schema.get("anyOf"):
        return example(_first(options), schemas)
    match schema.get("type"):
        case "object":
            return {name: example(part, schemas) for name, part in schema.get("properties", {}).items()
                    if not name.endswith("_cursor")} | ({"next_cursor": None} if "next_cursor" in schema.get(
                        "properties", {}) else {})
        case "array":
            return [example(schema.get("items", {}), schemas)]
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case _:
            return "…"


def fields(schema: Schema, schemas: Schema, *, depth: int = 0, before: str = "") -> Iterator[Field]:
    """Every field of an object, those of the objects in it below their own."""
    schema = resolved(schema, schemas)
    for name, part in schema.get("properties", {}).items():
        inner, nullable, many = _inside(part, schemas)
        yield Field(f"{before}{name}", depth, _type(inner, nullable, many), name in schema.get("required", ()),
                    _words(inner, part))
        if depth < DEPTH_MAX and inner.get("properties"):
            yield from fields(inner, schemas, depth=depth + 1, before=f"{before}{name}{'[]' if many else ''}.")


def _inside(part: Schema, schemas: Schema) -> tuple[dict[str, Any], bool, bool]:
    """(the shape of a value or of each in a list, may it be null, is it a list)"""
    inner = resolved(part, schemas)
    nullable = any(option.get("type") == "null" for option in inner.get("anyOf", ()))
    if "anyOf" in inner:
        inner = {**{name: value for name, value in inner.items() if name not in ("anyOf", "default")},
                 **resolved(_first(inner["anyOf"]), schemas)}
    many = inner.get("type") == "array"
    return (resolved(inner.get("items", {}), schemas) if many else inner), nullable, many


def _type(inner: Schema, nullable: bool, many: bool) -> str:
    name = {"date-time": "time"}.get(inner.get("format", ""), inner.get("type", "any"))
    return ("list of " if many else "") + str(name) + (" or null" if nullable else "")


def _words(inner: Schema, part: Schema) -> str:
    """What is said of it, then what it has to keep to."""
    said = [part.get("description") or inner.get("description", "")]
    if "enum" in inner:
        said.append("one of " + ", ".join(f"`{value}`" for value in inner["enum"]))
    elif "const" in inner:
        said.append(f"always `{inner['const']}`")
    elif inner.get("pattern") and not inner.get("description"):
        said.append(f"matches `{inner['pattern']}`")
    limits = [("minLength", "at least {} characters"), ("maxLength", "at most {} characters"),
              ("minItems", "at least {}"), ("maxItems", "at most {}"), ("maxProperties", "at most {}")]
    said += [words.format(inner[name]) for name, words in limits if name in inner and inner[name] != 1]
    return " · ".join(" ".join(part.split()) for part in said if part)


def _first(options: list[Schema]) -> Schema:
    """The first that is not null."""
    return next((option for option in options if option.get("type") != "null"), options[0])
