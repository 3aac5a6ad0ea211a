"""bin/supply licences | sbom [FILE] | audit: what the desk is made of, and whether any of it is known to be weak.

A job of its own in CI, each night and before a release: it is no part of the tests, because what is published about a
package changes without a change of ours. Without a network, or behind a mirror that knows no weaknesses, `audit` says
that nothing was audited and lets the job pass.
"""
import json
import re
import subprocess
import sys
import tempfile
import uuid
import venv
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
LOCKED = ROOT / "requirements.txt"
AUDITOR = "pip-audit==2.10.1"
FREE = re.compile(r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|LGPL|Lesser|Unlicense|ZPL|Zope|HPND"
                  r"|CNRI|Zlib|CC0|Public Domain|0BSD", re.IGNORECASE)
"""What may be shipped beside our Apache-2.0 code. LGPL: psycopg, used as a library and unchanged."""
LOOKED_AT = {"huey": "MIT"}
"""Packages whose metadata is silent and whose LICENSE file was read."""
LINE = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s\\;]+)")
OFFLINE = ("ConnectionError", "Max retries", "NameResolutionError", "Failed to establish", "No matching distribution",
           "Temporary failure", "ServiceError", "SSLError", "timed out")


class Pinned(NamedTuple):
    name: str
    version: str
    hashes: list[str]


def pinned(locked: Path = LOCKED) -> list[Pinned]:
    """What the lock file names, with the hashes pip checks."""
    found: list[Pinned] = []
    for line in locked.read_text("utf-8").splitlines():
        if named := LINE.match(line):
            found.append(Pinned(named[1], named[2], []))
        found[-1].hashes.extend(re.findall(r"--hash=sha256:([0-9a-f]{64})", line)) if found else None
    return found


def licence_of(name: str) -> str:
    """As the installed package says it; empty where it says nothing or is not there."""
    try:
        said = distribution(name).metadata
    except PackageNotFoundError:
        return ""
    named = [one.rpartition("::")[2].strip() for one in said.get_all("Classifier", [])
             if one.startswith("License ::")]
    first = [*said.get_all("License-Expression", []), " / ".join(named), *said.get_all("License", [])]
    return LOOKED_AT.get(name) or next((one.partition("\n")[0] for one in first if one), "")


def not_free(packages: list[Pinned]) -> Iterator[str]:
    for one in packages:
        licence = licence_of(one.name)
        if not FREE.search(licence):
            yield f"{one.name} {one.version}: {licence or 'says no licence'}"


def sbom(packages: list[Pinned]) -> dict[str, object]:
    """CycloneDX 1.5: each package with its licence and the hashes of its files."""
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "serialNumber": f"urn:uuid:{uuid.uuid4()}", "version": 1,
            "metadata": {"timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "component": {"type": "application", "name": "quittance"}},
            "components": [{
                "type": "library", "name": one.name, "version": one.version,
                "purl": f"pkg:pypi/{one.name.lower()}@{one.version}",
                "licenses": [{"license": {"name": licence_of(one.name) or "unknown"}}],
                "hashes": [{"alg": "SHA-256", "content": content} for content in one.hashes]} for one in packages]}


def audit() -> int:
    """pip-audit in an environment of its own, so that none of its packages is ours."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder, "bin", "python")
        for command in ([str(python), "-m", "pip", "install", "--quiet", AUDITOR],
                        [str(python), "-m", "pip_audit", "-r", str(LOCKED), "--require-hashes", "--disable-pip",
                         "--progress-spinner", "off", "--format", "json"]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode and any(word in done.stderr for word in OFFLINE):
                print("not audited: no network")
                return 0
            if done.returncode and not done.stdout.startswith("{"):
                print((done.stdout + done.stderr).strip())
                return 1
    said, passes = judged(json.loads(done.stdout)["dependencies"])
    print(said)
    return 0 if passes else 1


def judged(report: list[dict[str, Any]]) -> tuple[str, bool]:
    """What pip-audit found, and whether the job may pass. A package that it could not look up is no good news; where
    that is so for all of them the index is a mirror, and nothing is known.
    """
    unknown = [one["name"] for one in report if "skip_reason" in one]
    if len(unknown) == len(report):
        return f"not audited: the index knows nothing about the weaknesses of {len(report)} packages", True
    weak = [f"{one['name']} {one['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'none yet'}"
            for one in report for found in one.get("vulns", ())]
    wrong = [*weak, *(f"{name}: could not be looked up" for name in unknown)]
    return "\n".join(wrong) or f"{len(report)} packages, none known to be weak", not wrong


def main(arguments: list[str]) -> int:
    match arguments:
        case ["licences"]:
            wrong = list(not_free(pinned()))
            print("\n".join(wrong) or f"{len(pinned())} packages, all free to ship")
            return 1 if wrong else 0
        case ["sbom", *file]:
            text = json.dumps(sbom(pinned()), indent=1) + "\n"
            Path(file[0]).write_text(text, "utf-8") if file else print(text, end="")
            return 0
        case ["audit"]:
            return audit()
    print("bin/supply licences | sbom [FILE] | audit", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
