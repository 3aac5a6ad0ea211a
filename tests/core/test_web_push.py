"""Messages to browsers, as RFC 8291 and 8292 have them."""
import json
from base64 import urlsafe_b64decode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from portal.core import web_push


def test_the_example_of_the_standard_comes_out_octet_by_octet():
    """RFC 8291, appendix A."""
    made = web_push.sealed(
        b"When I grow up, I want to be a watermelon",
        browser=web_push.decoded(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", 65),
        auth=web_push.decoded("BTBZMqHH6r4Tts7J_aSIgg", 16),
        salt=web_push.decoded("DGv6ra1nlYgDCS1FRnbzlw", 16),
        key=web_push.read_key("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
    assert web_push.encoded(made) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7"
        "A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN")


def test_a_proof_is_signed_for_one_push_service_and_for_some_hours():
    sender = web_push.Sender(web_push.read_key(web_push.new_key()), "mailto:ops@desk.example")
    proof = sender.proof("https://push.example")
    token, public = (part.partition("=")[2] for part in proof.removeprefix("vapid ").split(", "))
    signed, _, signature = token.rpartition(".")
    raw = web_push.decoded(signature, 64)
    key = web_push.read_point(web_push.decoded(public, 65))
    whole = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.verify(whole, signed.encode(), ec.ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(whole, signed.encode() + b"x", ec.ECDSA(SHA256()))
    said = json.loads(urlsafe_b64decode(signed.split(".")[1] + "=="))
    assert (said["aud"], said["sub"]) == ("https://push.example", "mailto:ops@desk.example")


@pytest.mark.parametrize("text", [
    "", "AAAA", "not base64!", web_push.encoded(bytes(32)), web_push.encoded(b"\xff" * 32)])
def test_what_is_no_key_is_said(text):
    with pytest.raises(web_push.BadKey):
        web_push.read_key(text)


def test_a_point_that_is_not_on_the_curve_is_refused():
    with pytest.raises(web_push.BadKey):
        web_push.read_point(b"\x04" + bytes(64))
