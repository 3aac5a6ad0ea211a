import base64

import pytest

from portal.core.crypto import CannotOpen, Keyring

ONE = base64.b64encode(b"1" * 32).decode()
TWO = base64.b64encode(b"2" * 32).decode()


def test_what_is_sealed_opens_at_its_own_place_only():
    ring = Keyring.parse(f"k1:{ONE}")
    sealed = ring.seal(b"2200000000000004", place="requisites|number|7")
    assert ring.open(sealed, place="requisites|number|7") == b"2200000000000004"
    with pytest.raises(CannotOpen):
        ring.open(sealed, place="requisites|number|8")


def test_sealing_twice_gives_two_values():
    ring = Keyring.parse(f"k1:{ONE}")
    assert ring.seal(b"x", place="p") != ring.seal(b"x", place="p")


def test_a_new_key_seals_and_the_old_one_still_opens():
    old = Keyring.parse(f"k1:{ONE}")
    sealed = old.seal(b"secret", place="p")
    rotated = Keyring.parse(f"k2:{TWO},k1:{ONE}")
    assert rotated.current == "k2"
    assert rotated.open(sealed, place="p") == b"secret"
    with pytest.raises(CannotOpen):
        Keyring.parse(f"k2:{TWO}").open(sealed, place="p")


@pytest.mark.parametrize("change", [0, 5, 20, -1])
def test_a_changed_value_does_not_open(change):
    ring = Keyring.parse(f"k1:{ONE}")
    sealed = bytearray(ring.seal(b"secret", place="p"))
    sealed[change] ^= 1
    with pytest.raises(CannotOpen):
        ring.open(bytes(sealed), place="p")


@pytest.mark.parametrize("kept", [0, 2, 3, 8, 15, 20])
def test_a_value_that_was_cut_does_not_open(kept):
    ring = Keyring.parse(f"k1:{ONE}")
    with pytest.raises(CannotOpen):
        ring.open(ring.seal(b"secret", place="p")[:kept], place="p")


@pytest.mark.parametrize("text", ["", "k1", "k1:short", f"k1:{ONE},k1:{TWO}", f"k 1:{ONE}", "k1:!!!"])
def test_a_bad_keyring_is_refused_without_showing_the_key(text):
    with pytest.raises(ValueError) as caught:
        Keyring.parse(text)
    assert ONE not in str(caught.value)


def test_a_keyring_does_not_print_its_keys():
    assert ONE not in repr(Keyring.parse(f"k1:{ONE}"))
    assert repr(Keyring.parse(f"k1:{ONE}")) == "Keyring(k1)"
