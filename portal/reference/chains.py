"""Addresses on blockchains, judged by their own checksums: a letter mistyped is seen before any money goes there."""
import hashlib
import re

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BECH32_CHECKS = {0: 1, 1: 0x2BC830A3}  # of the first witness version, and of taproot (BIP 173, BIP 350)
_ETHEREUM = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_ROUNDS, _LANE = 24, (1 << 64) - 1


def tron(address: str) -> str:
    """`T…`: base58check of 21 bytes that begin with 41. Raises ValueError."""
    body = _base58check(address)
    if len(body) != 21 or body[0] != 0x41:
        raise ValueError("This is no TRON address: it begins with T and has 34 characters.")
    return address


def ethereum(address: str) -> str:
    """`0x` and forty hex digits; where capitals and small letters are mixed they must be right (EIP-55).

    Given back in that spelling. Raises ValueError.
    """
    if _ETHEREUM.fullmatch(address) is None:
        raise ValueError("This is no Ethereum address: 0x and forty hex digits.")
    digits = address[2:]
    spelled = _eip55(digits.lower())
    if digits not in (digits.lower(), digits.upper(), spelled):
        raise ValueError("A letter of this address is wrong: its checksum does not fit.")
    return f"0x{spelled}"


def bitcoin(address: str) -> str:
    """Of the main chain: `1…`, `3…` (base58check), `bc1q…`, `bc1p…` (bech32). Raises ValueError."""
    if address.lower().startswith("bc1"):
        return _bech32(address)
    body = _base58check(address)
    if len(body) != 21 or body[0] not in (0x00, 0x05):
        raise ValueError("This is no Bitcoin address: it begins with 1, 3 or bc1.")
    return address


def base58check(body: bytes) -> str:
    """`body` as it is written, with its checksum."""
    whole = body + _twice(body)
    value, text = int.from_bytes(whole, "big"), ""
    while value:
        value, digit = divmod(value, 58)
        text = BASE58[digit] + text
    return "1" * (len(whole) - len(whole.lstrip(b"\0"))) + text


def _base58check(text: str) -> bytes:
    if not 20 <= len(text) <= 40 or any(letter not in BASE58 for letter in text):
        raise ValueError("This address holds letters that no such address has, or too many of them.")
    value = 0
    for letter in text:
        value = value * 58 + BASE58.index(letter)
    zeros = len(text) - len(text.lstrip("1"))
    whole = b"\0" * zeros + value.to_bytes((value.bit_length() + 7) // 8, "big")
    body, check = whole[:-4], whole[-4:]
    if _twice(body) != check:
        raise ValueError("A letter of this address is wrong: its checksum does not fit.")
    return body


def _twice(body: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4]


def _bech32(address: str) -> str:
    text = address.lower()
    if address not in (text, address.upper()) or not 14 <= len(text) <= 74 or any(
            letter not in BECH32 for letter in text[3:]):
        raise ValueError("This address holds letters that no such address has, or too many of them.")
    values = [BECH32.index(letter) for letter in text[3:]]
    version, program = values[0], values[1:-6]
    if _polymod([3, 3, 0, 2, 3, *values]) != BECH32_CHECKS[min(version, 1)]:
        raise ValueError("A letter of this address is wrong: its checksum does not fit.")
    size, rest = divmod(len(program) * 5, 8)
    if version > 16 or rest > 4 or size not in ((20, 32) if version == 0 else range(2, 41)):
        raise ValueError("This is no Bitcoin address: it begins with 1, 3 or bc1.")
    return text


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> place & 1 else 0
    return check


def _eip55(digits: str) -> str:
    marks = keccak256(digits.encode()).hex()
    return "".join(digit.upper() if int(mark, 16) >= 8 else digit for digit, mark in zip(digits, marks, strict=False))


def keccak256(message: bytes) -> bytes:
    """Ethereum's hash: Keccak before it became SHA-3, which pads otherwise, so that hashlib has it not."""
    rate = 136
    padded = bytearray(message + b"\x01" + bytes(rate - 1 - len(message) % rate))
    padded[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), rate):
        for at in range(rate // 8):
            lanes[at % 5][at // 5] ^= int.from_bytes(padded[start + 8 * at:start + 8 * at + 8], "little")
        lanes = _permuted(lanes)
    return b"".join(lanes[at][0].to_bytes(8, "little") for at in range(4))


def _permuted(lanes: list[list[int]]) -> list[list[int]]:
    """Keccak-f[1600]."""
    register = 1
    for _ in range(_ROUNDS):
        columns = [lane[0] ^ lane[1] ^ lane[2] ^ lane[3] ^ lane[4] for lane in lanes]
        mixed = [columns[(x - 1) % 5] ^ _turned(columns[(x + 1) % 5], 1) for x in range(5)]
        lanes = [[lane ^ mixed[x] for lane in lanes[x]] for x in range(5)]
        x, y, carried = 1, 0, lanes[1][0]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            carried, lanes[x][y] = lanes[x][y], _turned(carried, (step + 1) * (step + 2) // 2)
        for y in range(5):
            row = [lanes[x][y] for x in range(5)]
            for x in range(5):
                lanes[x][y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5] & _LANE)
        for bit in range(7):
            register = (register << 1 ^ (register >> 7) * 0x71) % 256
            if register & 2:
                lanes[0][0] ^= 1 << ((1 << bit) - 1)
    return lanes


def _turned(lane: int, by: int) -> int:
    by %= 64
    return (lane << by | lane >> (64 - by)) & _LANE
