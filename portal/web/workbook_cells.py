"""Cells of a workbook."""
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from portal.core.money import EXPONENT_MAX, EXPONENTS, Money

EXACT_BELOW = 10**15  # minor units; a sheet's numbers hold fifteen digits, more would be rounded


class Look:
    """How they look: amounts with the digits of their currency, moments as the sheet's own, in its reader's zone."""

    def __init__(self, book: Any, zone: ZoneInfo) -> None:
        self.zone = zone
        self.head = book.add_format({"bold": True})
        self.moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self.amounts = {exponent: book.add_format({"num_format": f"#,##0.{'0' * exponent}" if exponent else "#,##0"})
                        for exponent in range(EXPONENT_MAX + 1)}

    def write(self, sheet: Any, row: int, column: int, value: Any) -> None:
        match value:
            case None:
                return
            case Money() if abs(value.minor) >= EXACT_BELOW:
                sheet.write_string(row, column, value.text)
            case Money():
                sheet.write_number(row, column, value.decimal, self.amounts[EXPONENTS[value.currency]])
            case datetime():
                sheet.write_datetime(row, column, value.astimezone(self.zone), self.moment)
            case int():
                sheet.write_number(row, column, value)
            case _:
                sheet.write_string(row, column, str(value))
