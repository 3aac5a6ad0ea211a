"""Regular expressions for the schemas: what they match is taken, what is taken they match.

Plain enough for every dialect: no look-ahead, no classes of Unicode.
"""

ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}"
CURSOR = f"^[0-9]{{16}}_{ULID}$"  # a place by moment and id (core.paging)
LINE_CURSOR = "^[0-9]{1,18}$"  # a line of the books
WHOLE_DIGITS = 14  # with its fraction an amount has fifteen digits at most (money.AMOUNT_MAX)


def id_of(prefix: str) -> str:
    return f"^{prefix}_{ULID}$"


def ids_of(prefix: str, most: int) -> str:
    """With commas between."""
    return f"^{prefix}_{ULID}(,{prefix}_{ULID}){{0,{most - 1}}}$"


def amount(exponent: int, whole_digits_max: int = WHOLE_DIGITS + 1) -> str:
    """More than nothing, with exactly so many digits after the point."""
    whole = f"[1-9][0-9]{{0,{min(WHOLE_DIGITS - exponent, whole_digits_max - 1)}}}"
    if exponent == 0:
        return f"^{whole}$"
    parts = "|".join("0" * zeros + "[1-9]" + _digits(exponent - 1 - zeros) for zeros in range(exponent))
    return rf"^({whole}\.{_digits(exponent)}|0\.({parts}))$"


def amount_between(least_minor: int, most_minor: int, exponent: int) -> str:
    """From `least` to `most`, both with, exactly so many digits after the point."""
    assert 0 < least_minor <= most_minor
    unit = 10 ** exponent
    (low, low_rest), (high, high_rest) = divmod(least_minor, unit), divmod(most_minor, unit)
    if exponent == 0:
        return f"^({'|'.join(whole_between(low, high))})$"
    if low == high:
        return rf"^{low}\.({_fraction(low_rest, high_rest, exponent)})$"
    ways = [rf"{low}\.({_fraction(low_rest, unit - 1, exponent)})", rf"{high}\.({_fraction(0, high_rest, exponent)})"]
    if high - low > 1:
        ways.append(rf"({'|'.join(whole_between(low + 1, high - 1))})\.{_digits(exponent)}")
    return f"^({'|'.join(ways)})$"


def whole_between(low: int, high: int) -> list[str]:
    """Numbers from `low` to `high` without leading zeros: alternatives of one length each."""
    found: list[str] = []
    while low <= high:
        length = len(str(low))
        top = min(high, 10 ** length - 1)
        found += _same_length(str(low), str(top))
        low = top + 1
    return found


def _fraction(low: int, high: int, digits: int) -> str:
    return "|".join(_same_length(str(low).zfill(digits), str(high).zfill(digits)))


def _same_length(low: str, high: str) -> list[str]:
    """Digit strings of one length from `low` to `high`."""
    if not low:
        return [""]
    if low == "0" * len(low) and high == "9" * len(high):
        return [_digits(len(low))]
    first, last, rest = int(low[0]), int(high[0]), len(low) - 1
    if first == last:
        return [low[0] + tail for tail in _same_length(low[1:], high[1:])]
    found = []
    if low[1:] != "0" * rest:
        found += [low[0] + tail for tail in _same_length(low[1:], "9" * rest)]
        first += 1
    upper: list[str] = []
    if high[1:] != "9" * rest:
        upper = [high[0] + tail for tail in _same_length("0" * rest, high[1:])]
        last -= 1
    if first <= last:
        found.append((str(first) if first == last else f"[{first}-{last}]") + _digits(rest))
    return found + upper


def _digits(count: int) -> str:
    return "" if count == 0 else "[0-9]" if count == 1 else f"[0-9]{{{count}}}"
