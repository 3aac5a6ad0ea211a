"""What the processes of the desk find in their environment: servers, secrets, address. What a person set stays."""
import os
import re
from pathlib import Path
from urllib.parse import quote

from launcher.cluster import APPLICATION, DATABASE, OWNER
from launcher.home import ROOT
from launcher.keys import SETTINGS

LOOPBACK = ("127.0.0.1", "localhost", "::1")
LINE = re.compile(r"^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)\s*=\s*(.*?)\s*$")


def of_the_person() -> dict[str, str]:
    """The environment, and beneath it what `.env` says (development only; the processes read that file too)."""
    return {**_dotenv(ROOT / ".env"), **os.environ}


def _dotenv(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    found = [match.groups() for line in lines if (match := LINE.match(line))]
    return {name: value.strip("'\"") for name, value in found if value}


def of_the_desk(person: dict[str, str], keys: dict[str, str], *, sockets: Path | None, redis_url: str | None
                ) -> dict[str, str]:
    """The whole environment of the processes. `sockets`, `redis_url`: of the servers that we started, if we did."""
    desk = {"APP_ENV": "development", "HOST": "127.0.0.1", "PORT": "8000", "FLASK_APP": "wsgi.py", **person}
    if desk["APP_ENV"] != "production":  # production names its own secrets or does not start
        desk = {**{name: keys[name] for name in SETTINGS}, **desk}
    if sockets:
        application = database_url(APPLICATION, keys["app_password"], sockets)
        desk |= {"DATABASE_URL": application, "DATABASE_DIRECT_URL": application,
                 "DATABASE_OWNER_URL": database_url(OWNER, keys["owner_password"], sockets)}
    if redis_url:
        desk["REDIS_URL"] = redis_url
    desk.setdefault("FILES_FOLDER", str(Path(desk.get("QUITTANCE_HOME", ROOT / "var")) / "files"))
    desk.setdefault("PUBLIC_URL", address(desk["HOST"], desk["PORT"]))
    desk["PATH"] = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{desk.get('PATH', os.defpath)}"
    desk["VIRTUAL_ENV"] = str(ROOT / ".venv")
    desk["PYTHONUNBUFFERED"] = "1"
    desk.pop("PYTHONHOME", None)
    return desk


def without_owner(desk: dict[str, str]) -> dict[str, str]:
    """The same for whatever does not migrate: the tables' owner may do what the application's role may not."""
    return {name: value for name, value in desk.items() if name != "DATABASE_OWNER_URL"}


def database_url(role: str, password: str, sockets: Path) -> str:
    return f"postgresql+psycopg://{role}:{password}@/{DATABASE}?host={quote(str(sockets), safe='')}"


def address(host: str, port: str) -> str:
    """Where a person on this machine opens the desk."""
    name = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)
    return f"http://{name}:{port}"
