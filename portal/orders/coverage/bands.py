"""Sizes of orders as people think of them: 1–3, 3–10, 10–30 … of a currency's units. Band 0 begins at nothing."""
from portal.core.money import EXPONENTS, Money

LAST = 17  # from 300 million on
# The band of an amount; `unit` is a currency's minor units to one. SQL, for one row.
OF_AMOUNT = """CASE WHEN {amount} < {unit} THEN 0 ELSE least(17, 2 * floor(log({amount} / {unit}::numeric))::int
    + CASE WHEN {amount} / {unit}::numeric >= 3 * power(10::numeric, floor(log({amount} / {unit}::numeric)))
           THEN 1 ELSE 0 END) END"""


def begins(band: int, currency: str) -> Money:
    """The smallest amount of a band; a minor unit of the first one."""
    unit: int = 10**EXPONENTS[currency]
    return Money(1 if band == 0 else (3 if band % 2 else 1) * 10 ** (band // 2) * unit, currency)


def ends(band: int, currency: str) -> Money | None:
    """Where the next one begins; None: it is open above."""
    return None if band >= LAST else begins(band + 1, currency)
