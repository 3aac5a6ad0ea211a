"""Docs tell the same story as the code."""
import re
from pathlib import Path

from portal.settings import Settings
from tests.house import write_data_model, write_steps

ROOT = Path(__file__).parents[2]
HANDBOOK = ROOT / "docs" / "operators-handbook.md"


def settings_table() -> str:
    """What the handbook must say: made from the fields, so that a new setting cannot be forgotten."""
    rows = ["| setting | default | what for |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "required" if field.is_required() else f"`{field.default}`" if field.default not in (None, "") else ""
        rows.append(f"| `{name.upper()}` | {default} | {field.description or ''} |")
    return "\n".join(rows)


def test_every_setting_is_documented():
    assert settings_table() in HANDBOOK.read_text(), f"put this into {HANDBOOK.name}:\n{settings_table()}"
    silent = [name for name, field in Settings.model_fields.items() if not field.description]
    assert not silent, f"a description for {silent}"


def test_links_between_documents_lead_somewhere():
    broken = [f"{file.relative_to(ROOT)}: {target}"
              for file in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
              for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", file.read_text())
              if not (file.parent / target).exists()]
    assert not broken, broken


def test_the_data_model_is_written_down():
    assert write_data_model.FILE.read_text() == write_data_model.document(), (
        "python -m tests.house.write_data_model, and read what changed")


def test_the_table_of_steps_is_written_down():
    assert write_steps.FILE.read_text() == write_steps.document(), "python -m tests.house.write_steps, and read it"
