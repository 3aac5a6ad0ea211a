import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core import secret_words
from portal.core.logging import scrub, scrubbed


@pytest.mark.parametrize(("said", "kept"), [
    ("card 2200000000000004 sent", "card 220000******0004 sent"),
    ("card 2200 0000 0000 0004", "card 220000******0004"),
    ("no card 1234567890123456", "no card 1234567890123456"),
    ("GET /pay/01ARZ3NDEKTSV4RRFFQ69G5FAVabcdef HTTP", "GET /pay/… HTTP"),
    ("GET /recovery/abcdefgh12345678 HTTP", "GET /recovery/… HTTP"),
    ("Bearer qk_live_Ab3dEfGh_secretsecret", "Bearer qk_live_Ab3d…"),
    ("whsec_C2FVsBQIhrscChlQIMV", "whsec_…"),
])
def test_numbers_and_tokens_never_reach_the_log(said, kept):
    assert scrubbed(said) == kept


def test_what_is_named_like_a_secret_is_hidden_at_any_depth():
    said = {"password": "x", "nested": {"api_key": "y", "list": [{"token": "z"}]}, "order": "pin_1"}
    event = scrub(None, "info", said)
    assert event == {"password": "[hidden]", "nested": {"api_key": "[hidden]", "list": [{"token": "[hidden]"}]},
                     "order": "pin_1"}


SECRET = re.compile(rf"{secret_words.KEY}|{secret_words.SPELLED}", re.ASCII)


@given(st.from_regex(SECRET), st.sampled_from(secret_words.BEGINNINGS))
def test_whatever_looks_like_a_secret_holds_one_of_the_beginnings(text, beginning):
    """The log of calls passes over texts without one; and none is there for nothing."""
    assert any(one in text for one in secret_words.BEGINNINGS)
    assert beginning in secret_words.KEY + secret_words.SPELLED
