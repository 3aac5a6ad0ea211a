"""What every HTML page of the desk keeps to, read off the page itself."""
from collections import Counter
from html.parser import HTMLParser

FIELDS = {"input", "select", "textarea"}
NEEDS_NO_LABEL = {"hidden", "submit", "button"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """The elements of a page that the rules speak about."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.open: list[str] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.fields: list[dict[str, str]] = []
        self.forms: list[dict[str, str]] = []
        self.faults: list[str] = []
        self.headings: list[str] = []
        self.title = ""
        self.lang = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = {name: value or "" for name, value in attrs}
        self.ids += [got["id"]] if "id" in got else []
        self.faults += [f"{name}= on <{tag}>" for name in got if name == "style" or name.startswith(("on", "hx-on"))]
        if tag == "html":
            self.lang = got.get("lang", "")
        elif tag == "script" and "src" not in got:
            self.faults.append("an inline script")
        elif tag == "style":
            self.faults.append("an inline style sheet")
        elif tag == "label":
            self.labelled.add(got.get("for", ""))
        elif tag == "h1":
            self.headings.append("")
        elif tag == "form":
            self.forms.append(got)
        elif tag in FIELDS and got.get("type") not in NEEDS_NO_LABEL:
            self.fields.append(got | {"wrapped": "yes" if "label" in self.open else ""})
        elif tag == "img" and "alt" not in got:
            self.faults.append("an <img> without alt")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "title" in self.open and "svg" not in self.open:
            self.title += data.strip()
        if "h1" in self.open and self.headings:
            self.headings[-1] += data.strip()


def faults(html: str, *, signed_in: bool, language: str) -> list[str]:
    """What is wrong with a whole page; empty when nothing is."""
    page = Page(html)
    found = list(page.faults)
    if len(page.headings) != 1 or not page.headings[0]:
        found.append(f"one h1 with words, not {page.headings}")
    if not page.title:
        found.append("no title")
    if page.lang != language:
        found.append(f"lang={page.lang!r}, not {language!r}")
    found += [f"id {id!r} stands {count} times" for id, count in Counter(page.ids).items() if count > 1]
    found += [f"no label for {field.get('name') or field}" for field in page.fields
              if not (field["wrapped"] or field.get("aria-label") or field.get("aria-labelledby")
                      or (field.get("id") and field["id"] in page.labelled))]
    logouts = [form for form in page.forms if form.get("action") == "/logout" and form.get("method") == "post"]
    if signed_in and not logouts:
        found.append("no way to log out")
    return found
