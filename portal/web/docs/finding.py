"""What the search of the documentation looks through: guides with their parts, calls, codes and messages."""
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from flask import current_app, url_for

from portal.web.badges import N_
from portal.web.docs.reference import Reference, reference

KINDS = {"guide": N_("Guide"), "call": N_("Call"), "code": N_("Code"), "message": N_("Message")}
PART = re.compile(r'<h2 id="([\w-]+)">(.*?)</h2>')
TITLE = re.compile(r"{% block title %}(.*?){% endblock %}")
MARKUP = re.compile(r"<[^>]+>|{[{%].*?[%}]}")


@dataclass(frozen=True)
class Entry:
    """`kind`: guide, call, code or message; `words`: in small letters, what is looked through."""

    kind: str
    title: str
    url: str
    about: str = ""

    @property
    def words(self) -> str:
        return f"{self.title} {self.about}".lower().replace("`", "")

    def fits(self, wanted: Sequence[str]) -> bool:
        return all(word in self.words for word in wanted)


def words(asked: str) -> list[str]:
    return asked.lower().split()


def titles(pages: Mapping[str, str], told: Callable[[str], str]) -> list[tuple[str, str]]:
    """(address, title) of the guides; `told`: the template in the reader's language."""
    return [(_url(name), _guide(told(template))[0]) for name, template in pages.items()]


def entries(pages: Mapping[str, str], told: Callable[[str], str]) -> list[Entry]:
    """All of it, guides first."""
    return [*_guides(pages, told), *_made(reference())]


def _guides(pages: Mapping[str, str], told: Callable[[str], str]) -> Iterator[Entry]:
    for name, template in pages.items():
        title, parts = _guide(told(template))
        yield Entry("guide", title, _url(name))
        yield from (Entry("guide", part, f"{_url(name)}#{anchor}", title) for anchor, part in parts)


def _url(name: str) -> str:
    return url_for("docs.page", name=name) if name else url_for("docs.index")


def _made(known: Reference) -> list[Entry]:
    errors, webhooks = url_for("docs.page", name="errors"), url_for("docs.page", name="webhooks")
    calls = [Entry("call", f"{one.method} {one.path}", f"{url_for('docs.calls', tag=tag.slug)}#{one.anchor}",
                   f"{one.summary}. {one.words}") for tag in known.tags for one in tag.operations]
    codes = [Entry("code", one["code"], f"{errors}#{one['code']}", f"{one['status']}. {one['title']}")
             for one in known.codes]
    return [*calls, *codes, *(Entry("message", one.type, f"{webhooks}#{one.type}") for one in known.messages)]


@cache
def _guide(template: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """(title, (anchor, title) of its parts), read off the template."""
    loader = current_app.jinja_env.loader
    assert loader is not None
    source = loader.get_source(current_app.jinja_env, template)[0]
    title = TITLE.search(source)
    assert title, template
    return title[1], tuple((anchor, MARKUP.sub("", part)) for anchor, part in PART.findall(source))
