"""Routes as werkzeug has them, but for when their spelling is written."""
from concurrent.futures import ThreadPoolExecutor

import pytest
from werkzeug.routing import Map
from werkzeug.routing import Rule as Theirs

from portal.gateway import late_rules

RULES = [("/", "home", {}), ("/orders/<int:id>", "order", {}), ("/orders/<int:id>/<part>", "part", {}),
         ("/orders/first", "order", {"defaults": {"id": 1}}), ("/files/<path:name>", "file", {})]
ASKED = [("home", {}), ("home", {"q": "a b"}), ("order", {"id": 7}), ("order", {"id": 1}), ("file", {"name": "a/ö"}),
         ("part", {"id": 7, "part": "x y", "rule": "self", "more": ["1", "2"]})]


def urls(kind):
    return Map([kind(path, endpoint=name, **options) for path, name, options in RULES]).bind("desk.example")


@pytest.mark.parametrize("append_unknown", [True, False])
@pytest.mark.parametrize(("name", "values"), ASKED)
def test_a_url_is_spelt_as_werkzeug_spells_it(name, values, append_unknown):
    ours, theirs = (urls(kind).build(name, values, append_unknown=append_unknown)
                    for kind in (late_rules.Rule, Theirs))
    assert ours == theirs


def test_a_spelling_is_written_when_it_is_first_asked_for(app):
    assert {type(rule) for rule in app.url_map.iter_rules()} == {late_rules.Rule}
    desk = urls(late_rules.Rule)
    rule = next(desk.map.iter_rules("home"))
    assert rule._build_unknown.__func__ is late_rules._with_the_rest
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: desk.build("home", {"q": "a"}), range(32))) == {"/?q=a"}
    assert rule._build_unknown.__func__.__code__.co_filename == "<werkzeug routing>"
    assert rule._build.__func__ is late_rules._plain
