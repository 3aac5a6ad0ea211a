"""`deploy/pin-images` with an engine of the test's own in place of Docker: every image is asked for by digest."""
import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
#: knows every image but one that names nobody's registry; its digest is told as Docker tells it
ENGINE = """#!/bin/sh
case "$*" in *unheard-of*) echo "no such image" >&2; exit 1 ;; esac
case "$1" in
pull) echo "$3" >> "$PULLED" ;;
image) echo "${5%:*}@sha256:$(printf %s "$5" | sha256sum | cut -d' ' -f1)" ;;
esac
"""


class Copy:
    """Of `deploy`, and what it is run with."""

    def __init__(self, folder: Path) -> None:
        self.deploy, self.pulled = folder / "deploy", folder / "pulled"
        self.deploy.mkdir()
        for name in ("pin-images", "compose.yaml", "Dockerfile"):
            shutil.copy(DEPLOY / name, self.deploy / name)
        engine = folder / "bin" / "docker"
        engine.parent.mkdir()
        engine.write_text(ENGINE)
        engine.chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{engine.parent}:{os.environ['PATH']}", "PULLED": str(self.pulled)}

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(self.deploy / "pin-images"), *options], env=self.environment, text=True,
                              capture_output=True, check=False)

    def pinned(self) -> dict[str, Any]:
        return dict(yaml.safe_load((self.deploy / "compose.pinned.yaml").read_text())["services"])

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.deploy / name).read_text()
        assert old in text
        (self.deploy / name).write_text(text.replace(old, new))


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def with_digest(image: str) -> str:
    return f"{image}@sha256:{sha256(image.encode()).hexdigest()}"


def test_every_image_of_the_compose_file_is_pinned(copy: Copy) -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    base = "debian:12.12-slim"
    assert f"ARG BASE={base}\n" in (DEPLOY / "Dockerfile").read_text()
    expected = {name: {"build": {"args": {"BASE": with_digest(base)}}} if "build" in service
                else {"image": with_digest(service["image"])} for name, service in services.items()}

    done = copy.run()
    assert done.returncode == 0, done.stderr
    assert copy.pinned() == expected
    assert set(copy.pulled.read_text().split()) == {base, *(
        service["image"] for service in services.values() if "build" not in service)}
    assert copy.run("--check").returncode == 0


def test_what_is_not_pinned_is_told(copy: Copy) -> None:
    assert "there is no deploy/compose.pinned.yaml" in copy.run("--check").stderr
    assert copy.run().returncode == 0
    copy.change("compose.yaml", "image: postgres:18.1", "image: postgres:18.2")
    checked = copy.run("--check")
    assert (checked.returncode, checked.stderr) == (
        1, "postgres: postgres:18.2 is not pinned in deploy/compose.pinned.yaml\n")
    assert copy.run().returncode == 0
    copy.change("Dockerfile", "ARG BASE=debian:12.12", "ARG BASE=debian:12.13")
    assert "release: BASE=debian:12.13-slim is not pinned" in copy.run("--check").stderr


def test_an_image_that_is_not_to_be_had_leaves_the_file_as_it_was(copy: Copy) -> None:
    assert copy.run().returncode == 0
    before = copy.pinned()
    copy.change("compose.yaml", "image: caddy:2.10", "image: unheard-of:1.0")
    failed = copy.run()
    assert failed.returncode == 1
    assert "unheard-of:1.0 could not be pulled" in failed.stderr
    assert copy.pinned() == before
    assert not list(copy.deploy.glob("*.half"))


def test_a_comment_pins_nothing_and_no_second_line_stands_beside(copy: Copy) -> None:
    copy.run()
    pinned = copy.deploy / "compose.pinned.yaml"
    written = pinned.read_text()
    pinned.write_text(written.replace("  postgres: {", "#  postgres: {"))
    assert "postgres: postgres:18.1 is not pinned" in copy.run("--check").stderr
    pinned.write_text(written + '  postgres: {image: "elsewhere/postgres:18.1"}\n')
    checked = copy.run("--check")
    assert (checked.returncode, checked.stderr) == (
        1, "deploy/compose.pinned.yaml holds more than deploy/pin-images writes\n")


def test_the_release_ends_where_pinning_fails() -> None:
    """A command before `&&` may fail and the script goes on."""
    steps = (DEPLOY.parent / ".github/workflows/release.yml").read_text().splitlines()
    assert [step.strip() for step in steps if "deploy/pin-images" in step] == [
        "deploy/pin-images", "deploy/pin-images --check"]
