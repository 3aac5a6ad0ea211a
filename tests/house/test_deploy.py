"""What lies under deploy/ is text that nobody starts here: it is read, and held against what the desk really is."""
import importlib.util
import json
import re
import shlex
from pathlib import Path
from typing import Any

import structlog
import yaml

from launcher import procfile
from portal.core import logging
from portal.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
METRIC = re.compile(r"\b(?:quittance_\w+|up\b)")


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


def rules() -> list[dict[str, Any]]:
    return [rule for group in read("prometheus/rules.yml")["groups"] for rule in group["rules"]]


def metrics_asked_for() -> set[str]:
    """By alerts and by panels."""
    panels = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())["panels"]
    asked = [rule["expr"] for rule in rules()] + [
        target["expr"] for panel in panels for target in panel.get("targets", [])]
    return {name for query in asked for name in METRIC.findall(query)}


def anchors(text: str) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-") for head in heads}


def test_each_alert_leads_to_its_runbook_and_is_tried():
    there = anchors((ROOT / "docs" / "runbooks.md").read_text())
    tried = {one["alertname"] for test in read("prometheus/rules_test.yml")["tests"] for one in test["alert_rule_test"]}
    for rule in rules():
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert page == "docs/runbooks.md"
        assert anchor in there, f"docs/runbooks.md has no page {anchor}"
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["alert"] in tried, f"{rule['alert']} is not tried in rules_test.yml"


def test_the_dashboard_is_as_its_script_writes_it():
    file = DEPLOY / "grafana" / "make_dashboard.py"
    spec = importlib.util.spec_from_file_location("make_dashboard", file)
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.FILE.read_text() == script.written(), "python deploy/grafana/make_dashboard.py"


def test_units_pods_and_containers_start_what_the_procfile_starts():
    """One that was forgotten there would be started with old options for years."""
    commands = {name: command.removeprefix("env -u DATABASE_OWNER_URL ") for name, command in procfile.read().items()}
    services = read("compose.yaml")["services"]
    kinds = {item["metadata"]["name"]: item for file in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
             for item in yaml.safe_load_all(file.read_text()) if item["kind"] in ("Deployment", "Job")}
    for name, command in commands.items():
        words = shlex.split(command.replace('"$HOST" "$PORT"', "0.0.0.0 8000"))
        assert services[name]["command"] == words, f"compose.yaml: {name}"
        container = kinds[f"quittance-{name}"]["spec"]["template"]["spec"]["containers"][0]
        assert container["args"] == words, f"kubernetes: {name}"
        unit = DEPLOY / "systemd" / f"quittance-{name}{'' if name == 'release' else '@'}.service"
        started = re.search(r"^ExecStart=(.+)$", unit.read_text(), re.M)
        assert started
        assert started[1].replace("127.0.0.1 800%i", "0.0.0.0 8000").removeprefix(
            "/opt/quittance/.venv/bin/") == " ".join(words), unit.name


def test_only_the_release_is_given_the_owner_of_the_tables():
    for name, service in read("compose.yaml")["services"].items():
        assert ("database_owner_url" in service.get("secrets", [])) == (name == "release"), name
    for file in sorted((DEPLOY / "systemd").glob("*.service")):
        assert ("owner.env" in file.read_text()) == (file.stem in ("quittance-release", "quittance-backup")), file.name


def test_what_is_set_there_is_a_setting():
    """A name with a slip in it is silently the default."""
    settings = {name.upper() for name in Settings.model_fields} | {"QUITTANCE_HOME", "BACKUP_FOLDER", "BACKUP_KEY",
                                                                   "PATH", "PYTHONUNBUFFERED", "FLASK_APP", "DATABASE"}
    for name, service in read("compose.yaml")["services"].items():
        if service.get("image", "").startswith("quittance"):
            assert set(service.get("environment", {})) <= settings, name
            assert {secret.upper() for secret in service.get("secrets", [])} <= settings, name
    example = (DEPLOY / "systemd" / "desk.env.example").read_text() + (DEPLOY / "cluster" / "desk.env").read_text()
    assert set(re.findall(r"^#?([A-Z][A-Z_]+)=", example, re.M)) <= settings


ALLOY = ("desk", "containers", "units")


def blocks(text: str) -> dict[str, str]:
    """Alloy's blocks of the first level, as `loki.process.lines`, and what stands in them; braces must fit."""
    text = re.sub(r"^//.*$", "", text, flags=re.M)
    found, depth, name, begun = {}, 0, "", 0
    for place, sign in enumerate(re.sub(r'"(?:[^"\\\n]|\\.)*"', lambda part: "_" * len(part[0]), text)):
        if sign == "{":
            if depth == 0:
                kind, label = re.findall(r'([\w.]+) "(\w+)"\s*$', text[:place])[0]
                name, begun = f"{kind}.{label}", place + 1
            depth += 1
        elif sign == "}":
            depth -= 1
            assert depth >= 0, f"a brace too many after {name}"
            if depth == 0:
                assert name not in found, name
                found[name] = text[begun:place]
    assert depth == 0, f"{name} is not closed"
    return found


def test_alloys_files_lead_from_the_desks_lines_to_loki():
    """Each of the two sources, laid beside what is common to both, is one whole configuration."""
    common, containers, units = (blocks((DEPLOY / "loki" / f"{name}.alloy").read_text()) for name in ALLOY)
    for source in (containers, units):
        assert not common.keys() & source.keys()
        whole = common | source
        used = {name for text in whole.values()
                for name in re.findall(r"\b((?:loki|discovery)\.\w+\.\w+)\.(?:receiver|rules|targets|output)\b", text)}
        assert used <= whole.keys(), "what is named is there"
        assert {name for name in whole if not name.startswith("loki.source")} == used, "what is there is used"
    services = read("compose.yaml")["services"]
    mounted = {volume.split(":")[0] for volume in services["alloy"]["volumes"]}
    assert {"./loki/desk.alloy", "./loki/containers.alloy"} <= mounted
    unit = re.compile(re.findall(r'regex *= "(.+)"', units["discovery.relabel.journal"])[0].replace("\\\\", "\\"))
    for file in (DEPLOY / "systemd").glob("quittance-*.service"):
        found = unit.fullmatch(file.name.replace("@", "@1"))
        assert found
        assert found[1] in file.name


def test_alloy_reads_what_the_desk_writes():
    """A field that was renamed would be an empty label for years."""
    stages = blocks((DEPLOY / "loki" / "desk.alloy").read_text())["loki.process.lines"]
    read_there = dict(re.findall(r'^ +(\w+) += "(\w+)",$', stages, re.M))
    structlog.contextvars.clear_contextvars()
    line = json.loads(logging.info_line("web", "request", request_id="req_1"))
    assert {"level", "event", "logger", "timestamp", "request_id"} <= read_there.keys() & line.keys()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d)", line["timestamp"]), "RFC3339Nano"
    assert all(name == field for name, field in read_there.items())
    kept = set(re.findall(r"(\w+) = \"\"", stages))
    assert kept == read_there.keys() - {"timestamp"}, "what is read becomes a label or metadata"
    loki = read("loki/loki.yaml")
    assert loki["schema_config"]["configs"][-1]["schema"] == "v13", "which metadata wants"
    assert loki["limits_config"]["allow_structured_metadata"] is True
    assert loki["compactor"]["retention_enabled"] is True, "else nothing is ever forgotten"


def test_units_are_hardened_and_stop_as_the_desk_does():
    for file in sorted((DEPLOY / "systemd").glob("quittance-*.service")):
        text = file.read_text()
        for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes", "CapabilityBoundingSet=",
                     "SystemCallFilter=@system-service", "User=quittance"):
            assert line in text, f"{file.name}: {line}"
        if "@" in file.name:
            assert "TimeoutStopSec=30" in text, file.name


def test_the_image_is_made_by_the_script_that_the_trial_uses():
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    assert dockerfile.count("deploy/image/steps.sh ") == 2, "in both stages"
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.M)) == {"${BASE}"}, "one base for both"
    assert re.search(r"^USER 10001", dockerfile, re.M)
    assert "HEALTHCHECK" in dockerfile


def test_workflows_call_what_everybody_can_call():
    """CI is scripts of the repository: what passes there passes here."""
    files = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    assert len(files) == 2
    for file in files:
        workflow = yaml.safe_load(file.read_text())
        assert workflow["permissions"] == {"contents": "read"}, "more is given to a job, by name"
        steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
        scripts = {word for step in steps for word in re.findall(r"(?:\.ci|bin)/[a-z]+", step.get("run", ""))}
        assert {".ci/run", "bin/supply"} <= scripts, file.name
        for script in scripts:
            assert (ROOT / script).stat().st_mode & 0o111, f"{file.name}: {script}"


def test_every_program_that_a_test_asks_for_is_on_the_list_of_ci():
    """One that is not installed at night is a test that nobody runs."""
    listed = {line.split()[0] for line in (ROOT / ".ci" / "tools").read_text().splitlines() if not line.startswith("#")}
    asked = {name for file in (ROOT / "tests").rglob("*.py")
             for words in re.findall(r"(?:which|installed)\(((?:\"[\w-]+\"(?:, )?)+)\)", file.read_text())
             for name in re.findall(r"\"([\w-]+)\"", words)}
    assert {"haproxy", "etcd", "prometheus"} <= asked
    assert asked - listed <= {"npm", "php", "java", "chromium-browser", "unshare", "systemd-analyze"}, asked - listed
