"""`flask demo load`, as an operator types it."""
from portal.core.db import reader
from portal.demo import load
from portal.settings import Settings


def test_production_refuses_demo_data(fresh_app, monkeypatch):
    settings: Settings = fresh_app.extensions["settings"]
    monkeypatch.setitem(fresh_app.extensions, "settings", settings.model_copy(update={"app_env": "production"}))
    said = fresh_app.test_cli_runner().invoke(args=["demo", "load"])
    assert said.exit_code != 0
    assert "production" in said.output
    assert load.is_empty(reader())
