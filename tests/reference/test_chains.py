"""Addresses of chains by their checksums: the published ones pass, and one wrong letter never does."""
import pytest

from portal.reference import chains

TRON = ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "TLa2f6VPqDgRE67v1736s7bJ8Ray5wYjU7")
ETHEREUM = ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb")  # EIP-55
BITCOIN = ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
           "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
           "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0")  # BIP 350


@pytest.mark.parametrize(("check", "address"), [
    *((chains.tron, one) for one in TRON), *((chains.ethereum, one) for one in ETHEREUM),
    *((chains.bitcoin, one) for one in BITCOIN)])
def test_a_published_address_passes_and_one_wrong_letter_does_not(check, address):
    assert check(address) == address
    wrong = "2" if address[-5] != "2" else "3"
    broken = address[:-5] + wrong + address[-4:]
    if check is chains.ethereum:  # a digit has no case: the others' case tells
        broken = address[:-5] + ("a" if address[-5] not in "aA" else "b") + address[-4:]
    with pytest.raises(ValueError, match="checksum"):
        check(broken)


def test_the_hash_is_ethereums():
    assert chains.keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert chains.keccak256(b"testing").hex() == "5f16f4c7f149ac4f9510d9cf8cf384038ad348b3bcdc01915f95de12df9d1b02"
    assert chains.keccak256(b"a" * 200) != chains.keccak256(b"a" * 201)


def test_without_capitals_there_is_nothing_to_check_and_it_is_spelled_as_it_should_be():
    assert chains.ethereum(ETHEREUM[0].lower()) == ETHEREUM[0]


@pytest.mark.parametrize(("check", "text"), [
    (chains.tron, BITCOIN[0]), (chains.tron, ""), (chains.tron, "T" + "0" * 33), (chains.tron, "T" * 4000),
    (chains.bitcoin, TRON[0]), (chains.bitcoin, "bc1"), (chains.bitcoin, "bc1q" + "q" * 40),
    (chains.bitcoin, BITCOIN[2][:9] + BITCOIN[2][9:].upper()),
    (chains.bitcoin, "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"),
    (chains.ethereum, ETHEREUM[0][:-1]), (chains.ethereum, ETHEREUM[0][2:]), (chains.ethereum, "0x" + "g" * 40)])
def test_what_is_of_another_chain_or_none_is_refused(check, text):
    with pytest.raises(ValueError, match=r"\w"):
        check(text)


def test_made_addresses_are_ones():
    assert chains.tron(chains.base58check(b"\x41" + bytes(range(20))))
    assert chains.bitcoin(chains.base58check(b"\x00" + bytes(20)))
