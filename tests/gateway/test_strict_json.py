"""JSON is read without its ambiguities."""
import json

import pytest

from portal.core.errors import Invalid
from portal.gateway.errors import MalformedJson
from portal.gateway.strict_json import fingerprint, parse


@pytest.mark.parametrize("sent", [
    b"{", b"nonsense", b'{"a": 1} trailing', b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}',
    b'{"a": 1, "a": 2}', b'{"x": {"a": 1, "a": 2}}', b'{"a": "\xff\xfe"}', b"\xef\xbb\xbf{}",
    '{"a": 1}'.encode("utf-16"),
    b'{"a": "\n"}', b"[" * 100_000, b'{"a":' * 100_000, b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}",
    b'{"a": ' + b"9" * 5000 + b"}", b'{"a": 1e99999999999999999999}', b"{'a': 1}", b"{\"a\": 01}", b"\x00{}",
])
def test_what_is_not_plain_json_is_malformed(sent):
    with pytest.raises(MalformedJson):
        parse(sent)


@pytest.mark.parametrize("sent", ["[]", "1", '"text"', "null", "true"])
def test_a_body_must_be_an_object(sent):
    with pytest.raises(Invalid) as refusal:
        parse(sent.encode())
    assert [e.code for e in refusal.value.fields] == ["not_an_object"]


@pytest.mark.parametrize(("sent", "pointers"), [
    (r'{"a": "\u0000"}', ["/a"]), (r'{"a": "\ud800"}', ["/a"]), (r'{"a": {"b/c": ["x", "\udfff"]}}', ["/a/b~1c/1"]),
    (r'{"a": "\u0000", "b": "\ud800"}', ["/a", "/b"]), (r'{"a\u0000": 1}', [""]), (r'{"\ud800": {"x": 1}}', [""]),
])
def test_texts_with_nul_or_half_a_surrogate_are_named_all_at_once(sent, pointers):
    with pytest.raises(Invalid) as refusal:
        parse(sent.encode())
    assert sorted(e.field for e in refusal.value.fields) == pointers
    json.dumps([e.public() for e in refusal.value.fields], ensure_ascii=False).encode()


def test_thirty_two_levels_are_read():
    assert parse(b'{"a": ' + b"[" * 31 + b"]" * 31 + b"}")


def test_white_space_and_order_of_names_do_not_change_the_fingerprint():
    one = parse(b'{"a": {"x": 1, "y": "\\u00e9"}, "b": [1, 2]}')
    other = parse('{"b":[1,2],\n"a":{"y":"é","x":1}}'.encode())
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint(one) != fingerprint(parse(b'{"a": {"x": 1, "y": "e"}, "b": [1, 2]}'))
    assert fingerprint(parse(b'{"a": "1"}')) != fingerprint(parse(b'{"a": 1}'))
