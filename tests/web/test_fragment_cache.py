"""What is drawn once: again when its key changes, or the reader's language or time zone; never another's."""
from flask import render_template_string
from flask_babel import force_locale

from portal.web import fragment_cache

TEMPLATE = "{% set once = drawing_once() %}{% call once('test', key) %}{{ words }}{% endcall %}"


def drawn(key: str, words: str) -> str:
    return render_template_string(TEMPLATE, key=key, words=words)


def test_a_piece_is_drawn_once_for_its_key_and_language(app):
    with app.test_request_context():
        assert drawn("one", "<first>") == "&lt;first&gt;"
        assert drawn("one", "<second>") == "&lt;first&gt;"
        assert drawn("two", "<second>") == "&lt;second&gt;"
        with force_locale("ru"):
            assert drawn("one", "по-русски") == "по-русски"


def test_what_was_shown_last_stays(app, monkeypatch):
    monkeypatch.setattr(fragment_cache, "DRAWN_MAX", len(fragment_cache._drawn) + 2)
    with app.test_request_context():
        drawn("a", "a")
        drawn("b", "b")
        drawn("a", "changed")
        for n in range(fragment_cache.DRAWN_MAX - 1):
            drawn(f"n{n}", "n")
        assert len(fragment_cache._drawn) == fragment_cache.DRAWN_MAX
        assert drawn("a", "changed") == "a"  # touched after b
        assert drawn("b", "changed") == "changed"
