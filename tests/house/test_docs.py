"""Docs tell the same story as the code."""
import ast
import re
from collections.abc import Iterator
from pathlib import Path

from portal.live_settings import LIVE
from portal.settings import Settings
from tests.house import write_data_model, write_steps

ROOT = Path(__file__).parents[2]
HANDBOOK = ROOT / "docs" / "operators-handbook.md"
ALARMS = frozenset(("warning", "error", "exception"))
#: what the log says aloud and nobody has to do anything about
NOBODY_ACTS = {
    "busy": "a row was locked for long; the job is done a moment later",
    "live_message_unreadable": "a stranger speaks in our channel of Redis; pages are told by the next message",
    "odd_value": "somebody typed what PostgreSQL cannot hold, and was told so",
    "telegram_not_understood": "Telegram answered what is no list of updates; it is asked again",
}


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


def test_whatever_the_log_says_aloud_stands_in_the_handbook():
    told, said = explained(), set(alarms())
    assert {"job_dead", "replica_away"} <= told & said, "this test sees nothing"
    assert not said - told - set(NOBODY_ACTS), (
        f"a row under “What the log says”: {sorted(said - told - set(NOBODY_ACTS))}")
    assert not set(NOBODY_ACTS) - said, f"nobody says {sorted(set(NOBODY_ACTS) - said)} any more"
    assert not set(NOBODY_ACTS) & told, "told in the handbook: not in this list as well"


def explained() -> set[str]:
    """First cells of the table of the log's events."""
    section = HANDBOOK.read_text().partition("### What the log says")[2].partition("\n## ")[0]
    return {name for cell in re.findall(r"^\| (`.+?) \|", section, re.M) for name in re.findall(r"`(\w+)`", cell)}


def alarms() -> Iterator[str]:
    """Literal names that `log.warning("…")`, `.error` and `.exception` are given."""
    for path in [*(ROOT / "portal").rglob("*.py"), *(ROOT / "tasks").glob("*.py"), ROOT / "asgi.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            if (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ALARMS
                    and node.args and isinstance(first := node.args[0], ast.Constant) and isinstance(first.value, str)):
                yield first.value


def test_the_handbook_names_what_counts_without_a_restart():
    """Who rotates a secret reads that list, and restarts what is missing from it, or waits for what never comes."""
    told = HANDBOOK.read_text().partition("At once, for the next call, count:")[2].partition("The others want")[0]
    assert told, "the sentence has gone"
    assert {name.lower() for name in re.findall(r"`([A-Z0-9_]+)`", told)} == LIVE
    keys = HANDBOOK.read_text().partition("\n## Keys\n")[2].partition("\n## ")[0]
    for name in ("MASTER_KEYS", "FINGERPRINT_KEY", "PAYMENT_LINK_KEY", "HUEY_KEY", "SECRET_KEY", "PUSH_KEY",
                 "OPERATOR_WEBHOOK_SECRET"):
        assert f"| `{name}`" in keys, f"how {name} is changed"
