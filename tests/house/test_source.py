"""House rules that a reader of the source can check; each failure says what to do instead."""
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = sorted([*(ROOT / "portal").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")])
LINES_MAX = 300
FUNCTION_LINES_MAX = 50
SECRETS_OF_THE_HOUSE = re.compile(r"/root/|/work/|pypi\.org|registry\.npmjs|index-url[ =]+\S*:/", re.I)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))


#: who ends a transaction, and who locks rows, past `core.db.transaction` and `core.db.locked`: hot statements, where a
#: round trip or an object for each row would cost more than the work
COMMITS = {
    "portal/core/db.py": "the one place for everybody else",
    "portal/core/pipeline.py": "sends COMMIT along with the last statements of a job's transaction",
    "portal/core/jobs/runner.py": "asks for that, as the last thing of a batch",
}
LOCKS = {
    "portal/core/db.py": "the one place for everybody else",
    "portal/orders/judging/before_matching.py": "as above, those that nobody has judged yet",
    "portal/orders/matching/pick.py": "a batch of orders, skipping those that others hold; read as rows",
    "portal/orders/settlement.py": "a batch of confirmed orders by id; read as rows",
    "portal/ledger/service.py": "balances of a posting by id; no object is loaded that could be stale",
    "portal/ledger/holds.py": "both balances of a hold by id, in the statement that writes its order",
    "portal/core/jobs/leases.py": "due jobs, skipping those that others claim; a transaction in one statement",
    "portal/core/jobs/dispatch.py": "jobs that nobody knows, skipping those in hand",
    "portal/core/jobs/lease_renewal.py": "jobs in hand; likewise",
    "portal/requisites/hours.py": "whose time has begun or is over, by id, turned in the same statement",
    "portal/core/resealing.py": "seals by id, read as rows of any table and written in the same breath",
    "portal/core/reprinting.py": "prints by id; likewise",
}
COMMIT, LOCK = re.compile(r"\bCOMMIT\b"), re.compile(r"\bFOR (NO KEY )?UPDATE\b|\bSKIP LOCKED\b", re.I)


def statements(path: Path, wanted: re.Pattern[str]) -> Iterator[int]:
    """Lines of the strings that hold it, docstrings left out: SQL is text, which no call of ours shows."""
    nodes = list(ast.walk(tree(path)))
    prose = {node.value for node in nodes if isinstance(node, ast.Expr)}
    return (node.lineno for node in nodes if isinstance(node, ast.Constant) and node not in prose
            and isinstance(node.value, str) and wanted.search(node.value))


def ends_a_transaction(call: ast.Call) -> bool:
    return (call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")) == "commit"


def test_only_one_place_commits():
    guilty = {name(path) for path in PYTHON
              if any(map(ends_a_transaction, calls(path))) or any(statements(path, COMMIT))}
    assert guilty == set(COMMITS), "open `transaction()` in the door instead, or say here why not"


def test_only_the_clock_reads_the_clock():
    guilty = [f"{name(path)}:{call.lineno}" for path in PYTHON if name(path) != "portal/core/clock.py"
              for call in calls(path)
              if isinstance(call.func, ast.Attribute) and call.func.attr in ("now", "utcnow", "today")
              and isinstance(call.func.value, ast.Name) and call.func.value.id in ("datetime", "date")]
    assert not guilty, f"use `clock.now()`: {guilty}"


def test_no_float_near_money():
    rooms = ("portal/core/money.py", "portal/ledger/", "portal/tariffs/", "portal/orders/", "portal/treasury/")
    guilty = [f"{name(path)}:{node.lineno}" for path in PYTHON if name(path).startswith(rooms)
              for node in ast.walk(tree(path))
              if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float")
              or (isinstance(node, ast.Constant) and isinstance(node.value, float))]
    assert not guilty, f"whole minor units and Decimal only: {guilty}"


def test_locks_are_taken_in_one_way():
    guilty = {name(path) for path in PYTHON if any(statements(path, LOCK)) or any(
        isinstance(call.func, ast.Attribute) and call.func.attr == "with_for_update" for call in calls(path))}
    assert guilty == set(LOCKS), "use `core.db.locked()`: SQLAlchemy hands back stale objects otherwise"


def test_a_lock_or_a_commit_in_sql_would_be_seen(tmp_path):
    """The two above passed whatever a hot road did: they looked for calls, and SQL is text."""
    path = tmp_path / "odd.py"
    path.write_text('"""COMMIT and FOR UPDATE."""\nSQL = "SELECT 1 FOR NO KEY UPDATE"\nEND = f"{SQL}; COMMIT"\n')
    assert list(statements(path, LOCK)) == [2]
    assert list(statements(path, COMMIT)) == [3]


#: a promise's statement as far as what it writes (a SELECT up to its FROM), and what makes it due by the earlier clock
PROMISE = re.compile(r"\bINSERT\s+INTO\s+jobs\b.*?(?=\bFROM\b|\Z)", re.I | re.S)
NOT_LATER = re.compile(r"\bleast\((?:[^()]|%\(\w+\)s)+,\s*now\(\)\)", re.I)
#: promises that are never due at once
DUE_LATER = {"portal/orders/matching/pick.py": "a deadline, the moment that the customer was told"}


def test_what_is_promised_at_once_is_due_by_the_earlier_clock():
    """Decision 0203: a machine whose clock is ahead hid its orders from every other until that hour had come."""
    promises = [(name(path), promise.group()) for path in PYTHON for promise in PROMISE.finditer(path.read_text())]
    assert len(promises) >= 5
    guilty = {file for file, promise in promises if not NOT_LATER.search(promise)}
    assert guilty == set(DUE_LATER), "run_at is `least(<the promiser's now>, now())`, or say here why not"


@pytest.mark.parametrize(("sql", "seen"), [
    ("INSERT INTO jobs (kind, run_at)\nSELECT a, least(:now, now()) FROM b", True),
    ("INSERT INTO jobs (kind, run_at) SELECT a, coalesce(:run_at, least(at, now())) FROM b", True),
    ("INSERT INTO jobs (kind, run_at)\nSELECT a, least(%(now)s, now()) FROM b", True),
    ("insert into jobs (kind, run_at) VALUES ('a', :now)", False),
    ("INSERT INTO jobs (kind, run_at) SELECT a, at FROM b WHERE least(at, now()) > c", False),
    ("INSERT INTO jobs (kind, run_at) SELECT a, least(at, :now) FROM b", False),
])
def test_a_promise_by_one_clock_would_be_seen(sql, seen):
    assert bool(NOT_LATER.search(PROMISE.search(sql).group())) is seen


def test_nothing_is_left_for_later():
    guilty = [f"{name(path)}:{number}" for path in PYTHON
              for number, line in enumerate(path.read_text().splitlines(), 1)
              if re.search(r"\b(TODO|FIXME|XXX|NotImplemented)\b", line)]
    assert not guilty, guilty


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_a_file_is_one_subject(path):
    lines = path.read_text().count("\n")
    assert lines <= LINES_MAX, f"{lines} lines: split it by subject"
    long = [f"{node.name} ({node.end_lineno - node.lineno + 1} lines)" for node in ast.walk(tree(path))
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno + 1 > FUNCTION_LINES_MAX]
    assert not long, f"split: {long}"


@pytest.mark.parametrize("path", [p for p in PYTHON if "portal/web/" in name(p)], ids=name)
def test_a_views_module_is_small(path):
    assert path.read_text().count("\n") <= 200, "one module per noun: the rest belongs to its service or queries"


def test_every_module_says_what_it_is_for():
    silent = [name(path) for path in PYTHON if path.read_text().strip() and not ast.get_docstring(tree(path))]
    assert not silent, f"a docstring of one sentence: {silent}"


#: folders of the checkout; `var` is a server's at work, whose files come and go while one walks through
ROOM = [p for p in ROOT.iterdir() if p.is_dir() and p.name not in (".venv", "node_modules", "var", ".git")
        and not p.name.endswith("_cache")]


def test_no_machine_or_registry_is_named():
    texts = [p for pattern in ("*.txt", "*.in", "*.json", "*.toml", "*.md", "*.py", "*.mjs", "*.yml")
             for p in [*ROOT.glob(pattern), *(p for room in ROOM for p in room.rglob(pattern))]]
    guilty = [name(path) for path in texts if path != Path(__file__) and "node_modules" not in path.parts
              and SECRETS_OF_THE_HOUSE.search(path.read_text())]
    assert not guilty, guilty


def test_one_module_makes_every_client_of_redis():
    """A URL of Sentinels is read there alone: elsewhere the process would not start (decision 0178)."""
    wrong = [name(path) for path in PYTHON if name(path) != "portal/core/redis_client.py"
             and any(isinstance(call.func, ast.Attribute) and call.func.attr == "from_url" for call in calls(path))]
    assert not wrong, f"use portal.core.redis_client in {wrong}"
