"""A browser without JavaScript: follows links and redirects, keeps cookies, fills in and sends the forms it finds."""
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar

FIELDS = ("input", "button", "textarea", "select")


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.words: list[str] = []
        self.inside = False
        self.templates = 0  # around here: what stands in one is no part of the page

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append(Form(found.get("action", ""), found.get("method", "get").lower()))
            self.inside = True
        elif tag == "template":
            self.templates += 1
        elif self.inside and not self.templates and tag in FIELDS and found.get("name"):
            self.forms[-1].fields.setdefault(found["name"], found.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        elif tag == "template":
            self.templates -= 1

    def handle_data(self, text: str) -> None:
        self.words.append(text)


class PlainBrowser:
    """One person's browser: `open` a page, `send` the form whose action ends as told."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.cookies = CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self.url, self.status, self.html = site, 0, ""
        self.password = ""  # the present one, for acts that ask for it on the way

    def open(self, path: str) -> int:
        return self._go(urllib.request.Request(urllib.parse.urljoin(self.site, path)))

    def send(self, ending: str, **typed: str | list[str]) -> int:
        """Fill in the first form whose action ends with `ending` and press its button."""
        form = next((form for form in self.forms if form.action.endswith(ending)), None)
        assert form is not None, f"no form …{ending} on {self.url}: {[form.action for form in self.forms]}"
        body = urllib.parse.urlencode(form.fields | typed, doseq=True).encode()
        target = urllib.parse.urljoin(self.url, form.action)
        if ending in ("/login", "/password"):
            self.password = str(typed.get("password", ""))
        if self._go(urllib.request.Request(target, data=body, headers={"Origin": self.site})) == 428:
            return self.send(form.action, **(typed | {"proof_password": self.password}))
        return self.status

    def attach(self, ending: str, name: str, file: tuple[str, bytes], **typed: str) -> int:
        """As `send`, of a form that takes files: `file` is what it is called and its bytes."""
        form = next(form for form in self.forms if form.action.endswith(ending))
        mark = "----------------plain-browser"
        parts = [f'--{mark}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
                 for key, value in (form.fields | typed).items() if key != name]
        parts.append(f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{file[0]}"\r\n'
                     "Content-Type: application/octet-stream\r\n\r\n".encode() + file[1] + b"\r\n")
        return self._go(urllib.request.Request(
            urllib.parse.urljoin(self.url, form.action), data=b"".join(parts) + f"--{mark}--\r\n".encode(),
            headers={"Origin": self.site, "Content-Type": f"multipart/form-data; boundary={mark}"}))

    def cookie(self, name: str) -> str:
        return next(cookie.value or "" for cookie in self.cookies if cookie.name == name)

    @property
    def forms(self) -> list[Form]:
        return self._read().forms

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._read().words).split())

    def _read(self) -> _Reader:
        reader = _Reader()
        reader.feed(self.html)
        return reader

    def _go(self, request: urllib.request.Request) -> int:
        try:
            with self.opener.open(request, timeout=15) as answer:
                self.url, self.status, self.html = answer.url, answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            with answer:
                self.url, self.status, self.html = answer.url, answer.code, answer.read().decode()
        return self.status
