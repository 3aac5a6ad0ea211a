"""The reference's samples can be read by their languages: each call in each, by the language's own parser."""
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from portal.web.docs.callers import CLIENTS
from portal.web.docs.reference import reference


def texts(language: str) -> list[tuple[str, str]]:
    """(whose, text): of every call, and of the client where there is one."""
    found = [(call.id, dict(call.samples())[language]) for tag in reference().tags for call in tag.operations]
    assert len(found) > 30
    return found + [("client", text) for name, text in CLIENTS if name == language]


def python(text: str, _folder: Path) -> str:
    compile(text, "sample", "exec")
    return ""


def shell(text: str, folder: Path) -> str:
    return said("bash", "-n", folder=folder, name="sample.sh", text=text)


def javascript(text: str, folder: Path) -> str:
    return said("node", "--check", folder=folder, name="sample.mjs", text=text)


def php(text: str, folder: Path) -> str:
    begun = text if text.startswith("<?php") else f"<?php\n{text}"
    return said("php", "-l", folder=folder, name="sample.php", text=begun)


def go(text: str, folder: Path) -> str:
    return said("gofmt", "-l", "-e", folder=folder, name="sample.go", text=text)


def said(*command: str, folder: Path, name: str, text: str) -> str:
    """What the program complains of."""
    file = folder / name
    file.write_text(text, "utf-8")
    done = subprocess.run([*command, str(file)], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize(("language", "program", "parsed"), [
    ("Python", "python3", python), ("curl", "bash", shell),
    pytest.param("JavaScript", "node", javascript, marks=pytest.mark.slow),  # a process each
    pytest.param("PHP", "php", php, marks=pytest.mark.slow), pytest.param("Go", "gofmt", go, marks=pytest.mark.slow)])
def test_every_sample_is_read_by_its_language(app, tmp_path, language, program, parsed: Callable[[str, Path], str]):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    with app.test_request_context():
        wrong = {whose: complaint for whose, text in texts(language) if (complaint := parsed(text, tmp_path))}
    assert not wrong
