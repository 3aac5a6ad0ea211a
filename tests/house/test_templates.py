"""House rules of the templates: used, parsed, nothing the content security policy blocks, fragments with one root."""
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import nodes

from portal.web.docs.pages import RUSSIAN

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "templates"
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
MADE_OF = {"checkout/_": "checkout/_sheet.html includes one by the state's name",
           "components/": "ui finds macros by name"}
BANNED = {
    r"\sstyle\s*=": "put it into static/css: the policy blocks inline style",
    r"\son[a-z]+\s*=\s*[\"']": "put it into static/js: the policy blocks inline handlers",
    r"hx-on": "put it into static/js: hx-on needs eval",
    r"[\"']\s*js:": "js: values need eval",
    r"hx-trigger\s*=\s*\"[^\"]*\[[^\"]*\"": "trigger filters need eval",
    r"<script(?![^>]*\ssrc=)": "put it into static/js",
    r"<style": "put it into static/css",
    r"\|\s*safe\b": "escape it; HTML comes from templates only",
    r"\b_\(\s*(?![\"'])": "`_()` is for literals, what it returns is taken for safe HTML: use the filter `translated`",
}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def source(name: str) -> str:
    return (TEMPLATES / name).read_text()


def bare(name: str) -> str:
    """Without Jinja's comments, which may speak about anything."""
    return re.sub(r"\{#.*?#\}", "", source(name), flags=re.DOTALL)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_the_policy_blocks(name: str) -> None:
    found = {remedy: hit[0] for pattern, remedy in BANNED.items() if (hit := re.search(pattern, bare(name)))}
    assert not found, found


@pytest.mark.parametrize("name", NAMES)
def test_every_template_compiles(app: Flask, name: str) -> None:
    assert app.jinja_env.get_template(name).root_render_func is not None


def test_every_template_is_used(app: Flask) -> None:
    used = {name for folder in ("portal", "tasks") for path in (ROOT / folder).rglob("*.py")
            for name in re.findall(r"[\"']([a-z_/]+\.html)[\"']", path.read_text())} | {*RUSSIAN.values()}
    for name in NAMES:
        tree = app.jinja_env.parse(source(name))
        for node in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
            used |= {one.value for one in node.template.find_all(nodes.Const)} if not isinstance(
                node.template, nodes.Const) else {node.template.value}
    layouts = re.compile(r"^[a-z]+/layout\.html$")
    unused = [name for name in NAMES if name not in used and not name.startswith(tuple(MADE_OF))
              and not layouts.match(name)]
    assert not unused, f"remove them, or show them: {unused}"


def test_every_include_exists(app: Flask) -> None:
    missing = [f"{name}: {node.template.value}" for name in NAMES
               for node in app.jinja_env.parse(source(name)).find_all((nodes.Extends, nodes.Include))
               if isinstance(node.template, nodes.Const) and node.template.value not in NAMES]
    assert not missing, missing


class Roots(HTMLParser):
    """The elements a piece of HTML begins with."""

    def __init__(self) -> None:
        super().__init__()
        self.depth, self.roots = 0, list[dict[str, str | None]]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.depth == 0:
            self.roots.append(dict(attrs))
        self.depth += tag not in VOID

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag not in VOID


SWAPPED = [name for name in NAMES if Path(name).name.startswith("_") and re.search(r"\bhx-(get|post|swap)", bare(name))]


@pytest.mark.parametrize("name", SWAPPED)
def test_a_fragment_that_htmx_swaps_has_one_root_with_an_id(name: str) -> None:
    parser = Roots()
    parser.feed(re.sub(r"\{%.*?%\}", "", re.sub(r"\{\{.*?\}\}", "x", bare(name), flags=re.DOTALL), flags=re.DOTALL))
    assert len(parser.roots) == 1, "a fragment has one root: htmx swaps that one"
    assert parser.roots[0].get("id"), "give the root the id that htmx aims at"
