"""What the browser fetches: hashed files made by vendor.mjs, looked up by their plain names."""
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, current_app, g, request, url_for
from markupsafe import Markup

FOLDER = "vendor"
SLIM = frozenset({"checkout"})
"""Blueprints whose pages take the small sprite: the payment page must stay under 25 KB."""


@lru_cache
def manifest(static_folder: str) -> dict[str, Any]:
    """`name → {file, bytes}`, and the names of the icons in each sprite."""
    return json.loads((Path(static_folder) / FOLDER / "manifest.json").read_text())  # type: ignore[no-any-return]


def _manifest() -> dict[str, Any]:
    assert current_app.static_folder is not None
    if current_app.debug:
        manifest.cache_clear()
    return manifest(current_app.static_folder)


def asset(name: str) -> str:
    """The address of a built file: `asset('app.css')` → `/static/vendor/app.5c1….css`."""
    known: dict[str, str] = g.setdefault("assets", {})  # a page asks for the sprite a hundred times
    if name not in known:
        known[name] = url_for("static", filename=f"{FOLDER}/{_manifest()[name]['file']}")
    return known[name]


def asset_path(name: str) -> Path:
    """Where a built file lies, for what reads it here."""
    assert current_app.static_folder is not None
    return Path(current_app.static_folder, FOLDER, _manifest()[name]["file"])


def icon(name: str, label: str | None = None) -> Markup:
    """A Lucide icon. Without a label it is decoration and hidden from screen readers.

    An icon that is not in the sprite is a mistake in the template: add its name to vendor.mjs and build.
    """
    slim = request and request.blueprint in SLIM and not g.get("apologising")  # error pages have the desk's look
    sprite = "pay-icons" if slim else "icons"
    return _drawn(name, label, sprite, asset(f"{sprite}.svg"))


@lru_cache(maxsize=1_000)
def _drawn(name: str, label: str | None, sprite: str, address: str) -> Markup:
    if name not in _manifest()[sprite]:
        raise LookupError(f"no icon {name} in {sprite}.svg: add it to vendor.mjs")
    voice = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="icon" {}><use href="{}#{}"></use></svg>').format(voice, address, name)


def init_assets(app: Flask) -> None:
    """Templates get `asset` and `icon`. (`headers` lets browsers keep hashed files for ever.)"""
    app.jinja_env.globals.update(asset=asset, icon=icon)
