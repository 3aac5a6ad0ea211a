"""Writes docs/data-model.md from the models: `python -m tests.house.write_data_model`."""
import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import CheckConstraint, Column, Index, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql

from portal import tables
from portal.core.db import Base

FILE = Path(__file__).parents[2] / "docs" / "data-model.md"
DIALECT = postgresql.dialect()
HEAD = """# Data model

Made from the models (`portal/*/models.py`); a test keeps it so. Amounts are whole minor units of the currency beside
them (`…_minor`); times are UTC; ids are ULIDs in a uuid, shown as `pin_…`, `trd_…`. What the database itself enforces
beyond this (no overdraft, append-only books, partitions, matching functions) lies in `migrations/sql/`.

"""


def document() -> str:
    rooms: dict[str, list[type]] = {}
    for mapper in sorted(Base.registry.mappers, key=lambda one: one.local_table.name):
        rooms.setdefault(mapper.class_.__module__.split(".")[-2], []).append(mapper.class_)
    parts = [_room(name, models) for name, models in sorted(rooms.items())]
    return HEAD + _map() + "\n" + "\n".join(parts)


def _map() -> str:
    """Who points at whom, as a picture (Mermaid: GitHub and GitLab draw it)."""
    lines = sorted({f"    {table.name} }}o--|| {key.column.table.name} : \"{key.parent.name}\""
                    for table in Base.metadata.tables.values() for key in table.foreign_keys})
    return "```mermaid\nerDiagram\n" + "\n".join(lines) + "\n```\n"


def _room(name: str, models: list[type]) -> str:
    return f"## {name}\n\n" + "\n".join(_table(model) for model in models)


def _table(model: type) -> str:
    table: Table = model.__table__  # type: ignore[attr-defined]
    notes, sentence = _notes(model), " ".join(inspect.cleandoc(model.__doc__ or "").split())
    rows = [f"| `{column.name}` | {_kind(column)} | {_rules(column)} | {notes.get(column.name, '')} |"
            for column in table.columns]
    kept = sorted(_kept(table))
    return "\n".join([f"### {table.name}", "", sentence, "", "| column | type | rules | means |", "|---|---|---|---|",
                      *rows, "", *(["\n".join(f"- {line}" for line in kept), ""] if kept else [])])


def _kind(column: Column) -> str:  # type: ignore[type-arg]
    return column.type.compile(DIALECT).lower()


def _rules(column: Column) -> str:  # type: ignore[type-arg]
    rules = ["key"] if column.primary_key else []
    rules += [] if column.nullable else ["not null"] if not column.primary_key else []
    rules += [f"→ `{key.target_fullname}`" for key in column.foreign_keys]
    return ", ".join(rules)


def _kept(table: Table) -> Iterator[str]:
    for one in table.constraints:
        if isinstance(one, UniqueConstraint):
            yield f"unique ({', '.join(f'`{column.name}`' for column in one.columns)})"
        elif isinstance(one, CheckConstraint):
            yield f"check `{one.sqltext}`"
    for index in table.indexes:
        yield _index(index)


def _index(index: Index) -> str:
    where = index.dialect_options["postgresql"]["where"]
    tail = f" where `{where}`" if where is not None else ""
    return f"{'unique ' if index.unique else ''}index `{index.name}` ({', '.join(map(str, index.expressions))}){tail}"


def _notes(model: type) -> dict[str, str]:
    """The words behind a column's line in the source."""
    lines, _ = inspect.getsourcelines(model)
    [definition] = ast.parse("".join(lines)).body
    assert isinstance(definition, ast.ClassDef)
    notes = {}
    for node in definition.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.end_lineno is not None:
            _, _, words = lines[node.end_lineno - 1].rstrip().partition("  # ")
            notes[node.target.id] = words if not words.startswith(("type:", "noqa")) else ""
    return notes


if __name__ == "__main__":
    assert tables
    FILE.write_text(document())
