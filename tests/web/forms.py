"""The forms of a page, as a browser would send them."""
from dataclasses import dataclass, field
from html.parser import HTMLParser

SENDS_ON = {"checkbox", "radio"}


@dataclass
class Form:
    action: str
    method: str
    sent: dict[str, list[str]] = field(default_factory=dict)  # what it sends as it stands
    kinds: dict[str, str] = field(default_factory=dict)  # name → type of its field
    ids: dict[str, str] = field(default_factory=dict)

    def send(self, name: str, value: str) -> None:
        self.sent.setdefault(name, []).append(value)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self.every_id: set[str] = set()
        self.hrefs: list[str] = []
        self._inside = False
        self._area = self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = {name: value or "" for name, value in attrs}
        self.every_id.add(got.get("id", ""))
        if tag == "a":
            self.hrefs.append(got.get("href", ""))
        if tag == "form":
            self.found.append(Form(got.get("action", ""), got.get("method", "get")))
            self._inside = True
        if not self._inside:
            return
        form, name = self.found[-1], got.get("name", "")
        if tag in ("input", "textarea", "select", "button") and name:
            form.kinds[name] = got.get("type", "text") if tag == "input" else tag
            form.ids[name] = got.get("id", "")
        if tag == "input" and name and "disabled" not in got and (got.get("type") not in SENDS_ON or "checked" in got):
            form.send(name, got.get("value", "on" if got.get("type") in SENDS_ON else ""))
        elif tag == "textarea":
            self._area = name
            form.send(name, "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            if "selected" in got:
                form.sent[self._select] = [got.get("value", "")]
            elif self._select not in form.sent and "value" in got:
                form.send(self._select, got["value"])

    def handle_data(self, data: str) -> None:
        if self._area:
            self.found[-1].sent[self._area][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "textarea":
            self._area = ""
        elif tag == "select":
            self._select = ""


def read(html: str) -> _Forms:
    page = _Forms()
    page.feed(html)
    page.close()
    return page


def posts(html: str) -> list[Form]:
    """Those that do something."""
    return [form for form in read(html).found if form.method == "post"]


def to(html: str, action: str) -> Form:
    """The one form that is sent to this address."""
    [found] = [form for form in posts(html) if form.action.partition("?")[0] == action]
    return found
